/** The frequencies of the two tones, Hz, and their length, seconds. */
const TONES = [880, 1_175] as const;
const LENGTH = 0.18;
const VOLUME = 0.15;
/** Alerts that arrive sooner after one another have one sound. Milliseconds. */
const MIN_PAUSE = 3_000;

/** A short sound. Browsers stay silent until the user has clicked or typed on the page. */
export class Chime {
  private context: AudioContext | undefined;
  private playedAt = -Infinity;

  /** Prepares the sound. Call this on a click or a key. */
  unlock(): void {
    try {
      this.context ??= new AudioContext();
      // Rejected where the browser has no audio device.
      void this.context.resume().catch(() => undefined);
    } catch {
      // A browser without audio.
    }
  }

  /** Plays the sound, unless it has just been played. Returns whether the browser allows it. */
  play(): boolean {
    const { context } = this;
    if (context?.state !== "running") return false;
    if (performance.now() - this.playedAt < MIN_PAUSE) return true;
    this.playedAt = performance.now();
    TONES.forEach((frequency, index) => {
      const start = context.currentTime + index * LENGTH;
      const [oscillator, gain] = [context.createOscillator(), context.createGain()];
      oscillator.frequency.value = frequency;
      // Without a ramp, a tone clicks where it ends.
      gain.gain.setValueAtTime(VOLUME, start);
      gain.gain.exponentialRampToValueAtTime(0.001, start + LENGTH);
      oscillator.connect(gain).connect(context.destination);
      oscillator.start(start);
      oscillator.stop(start + LENGTH);
    });
    return true;
  }
}
