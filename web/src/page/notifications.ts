/** Whether the browser shows this page's notifications; `unsupported` where it cannot. */
export type NotificationAccess = NotificationPermission | "unsupported";

/** Asks nothing. Browsers offer notifications only to pages from HTTPS or this machine. */
export function notificationAccess(): NotificationAccess {
  return window.isSecureContext && "Notification" in window ? Notification.permission : "unsupported";
}

/** Has the browser ask the user, unless it knows the answer. Call this on a click only. */
export async function askForNotifications(): Promise<NotificationAccess> {
  const access = notificationAccess();
  return access === "default" ? Notification.requestPermission() : access;
}

/** A notification. One with the tag of an earlier one replaces it, also that of another tab. */
export interface Message {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly onClick: () => void;
}

/** Shows a notification. Returns whether the browser accepts it. */
export function notify({ title, body, tag, onClick }: Message): boolean {
  if (notificationAccess() !== "granted") return false;
  try {
    const notification = new Notification(title, { body, tag });
    notification.addEventListener("click", () => {
      window.focus();
      notification.close();
      onClick();
    });
    return true;
  } catch {
    // Browsers of phones accept them from installed pages only.
    return false;
  }
}
