/**
 * The address of a resource, given its path below the server's root without a leading slash.
 * It is relative to the page's own address, because a proxy may serve the server below any path.
 */
export function serverAddress(path: string): string {
  return new URL(path, document.baseURI).href;
}
