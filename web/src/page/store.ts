type Listener<State> = (state: State) => void;

/**
 * Holds one immutable state. Listeners name the members that they depend on and run once after a change of any of them.
 * A listener may change the state in turn, which runs the listeners of that change in a further round.
 */
export class Store<State extends object> {
  private current: State;
  private readonly derivations: { readonly from: readonly (keyof State)[]; readonly update: () => void }[] = [];
  private readonly listeners: { readonly keys: readonly (keyof State)[]; readonly listener: Listener<State> }[] = [];
  private readonly changed = new Set<keyof State>();
  private isNotifying = false;

  constructor(initial: State) {
    this.current = initial;
  }

  get state(): State {
    return this.current;
  }

  /** Changes some members and notifies the listeners of those that differ from before. */
  set(change: Partial<State>): void {
    for (const key of Object.keys(change) as (keyof State)[]) this.assign(key, change[key] as State[keyof State]);
    for (const { from, update } of this.derivations) if (from.some((key) => this.changed.has(key))) update();
    if (!this.isNotifying) this.notify();
  }

  /** Has a member follow others. It is up to date whenever a listener runs. */
  derive<Key extends keyof State>(
    key: Key,
    from: readonly (keyof State)[],
    compute: (state: State) => State[Key],
  ): void {
    const update = (): void => {
      this.assign(key, compute(this.current));
    };
    this.derivations.push({ from, update });
    update();
  }

  /** Calls back after a change of any of these members. */
  on(keys: readonly (keyof State)[], listener: Listener<State>): void {
    this.listeners.push({ keys, listener });
  }

  private assign<Key extends keyof State>(key: Key, value: State[Key]): void {
    if (Object.is(this.current[key], value)) return;
    this.current = { ...this.current, [key]: value };
    this.changed.add(key);
  }

  private notify(): void {
    this.isNotifying = true;
    try {
      while (this.changed.size > 0) {
        const changed = new Set(this.changed);
        this.changed.clear();
        for (const { keys, listener } of this.listeners) {
          if (keys.some((key) => changed.has(key))) listener(this.current);
        }
      }
    } finally {
      this.isNotifying = false;
    }
  }
}
