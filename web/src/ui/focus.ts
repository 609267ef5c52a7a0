/** Moves the focus into a part of the page when it opens, and back when it closes. */
export class FocusReturn {
  private from: HTMLElement | undefined;

  constructor(private readonly part: HTMLElement) {
    if (!part.hasAttribute("tabindex")) part.tabIndex = -1;
  }

  /** Moves the focus into the part, which must be visible. */
  enter(target: HTMLElement = this.part): void {
    const active = document.activeElement;
    if (active instanceof HTMLElement && active !== document.body && !this.part.contains(active)) this.from = active;
    target.focus({ preventScroll: true });
  }

  /** Whether the focus is in the part, and would be lost with it. */
  get holds(): boolean {
    return this.part.contains(document.activeElement);
  }

  /** Moves the focus back, or to `fallback` where that is no longer possible. */
  leave(fallback: HTMLElement | undefined): void {
    const { from } = this;
    this.from = undefined;
    const target = from?.isConnected === true && from.checkVisibility() ? from : fallback;
    target?.focus({ preventScroll: true });
  }
}
