/** Takes the focus into a part of the page when it opens, and back to where it was when it closes. */
export class FocusReturn {
  private from: HTMLElement | undefined;

  constructor(private readonly part: HTMLElement) {
    if (!part.hasAttribute("tabindex")) part.tabIndex = -1;
  }

  /** Moves the focus into the part, which is shown by now. */
  enter(target: HTMLElement = this.part): void {
    const active = document.activeElement;
    if (active instanceof HTMLElement && active !== document.body && !this.part.contains(active)) this.from = active;
    target.focus({ preventScroll: true });
  }

  /** Whether the focus would be lost if the part were hidden now. */
  get holds(): boolean {
    return this.part.contains(document.activeElement);
  }

  /** Moves the focus back, or to `otherwise` where it cannot be moved there any more. */
  leave(otherwise: HTMLElement | undefined): void {
    const { from } = this;
    this.from = undefined;
    const target = from?.isConnected === true && from.checkVisibility() ? from : otherwise;
    target?.focus({ preventScroll: true });
  }
}
