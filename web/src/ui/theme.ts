/** A choice of colours; `auto` matches the system. */
export type ThemeSetting = "auto" | "light" | "dark";

/** Applies the theme to the page, and again whenever the setting or the system's theme changes. */
export class Theme {
  private readonly systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");

  constructor(
    private setting: ThemeSetting,
    private readonly onChange: (theme: "light" | "dark") => void,
  ) {
    this.systemIsDark.addEventListener("change", () => {
      this.apply();
    });
    this.apply();
  }

  set(setting: ThemeSetting): void {
    this.setting = setting;
    this.apply();
  }

  private apply(): void {
    const { setting } = this;
    const theme = setting === "auto" ? (this.systemIsDark.matches ? "dark" : "light") : setting;
    document.documentElement.dataset["theme"] = theme;
    this.onChange(theme);
  }
}
