import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort, PATIENCE } from "./support.ts";

/** The proxies with a configuration in the documentation. */
export const PROXIES = ["nginx", "caddy", "haproxy"] as const;
export type ProxyName = (typeof PROXIES)[number];
/** Where the proxy serves the server: at the root, or below `/sky/`. */
export type Place = "root" | "path";

const DOCUMENT = readFileSync(new URL("../../docs/deployment.md", import.meta.url), "utf8");

/** Reads a configuration from the documentation. */
export function documented(name: ProxyName, place: Place): string {
  const blocks = [...DOCUMENT.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, language]) => language === name);
  const [, , text] = blocks[place === "root" ? 0 : 1] ?? [];
  if (text === undefined) throw new Error(`docs/deployment.md has no configuration of ${name} for a ${place}`);
  return text;
}

/** A real proxy in front of a server, as a process. */
export class Proxy {
  private log = "";

  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.log = (this.log + text).slice(-20_000);
    });
  }

  /** Starts a proxy. Port 80 and the server at 127.0.0.1:8081 in its configuration are replaced. */
  static async start(name: ProxyName, configuration: string, server: string): Promise<Proxy> {
    const port = String(await freePort());
    const folder = mkdtempSync(join(tmpdir(), "flight-monitor-proxy-"));
    const file = join(folder, "configuration");
    const text = configuration.replaceAll("127.0.0.1:8081", new URL(server).host);
    const { program, arguments_, content } = {
      nginx: {
        program: "/usr/sbin/nginx",
        arguments_: ["-p", folder, "-c", file, "-e", "stderr"],
        content: `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
          events { worker_connections 256; }
          http { access_log off; ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
            .join(" ")} ${text.replaceAll("listen 80;", `listen 127.0.0.1:${port};`)} }`,
      },
      caddy: {
        program: "caddy",
        arguments_: ["run", "--adapter", "caddyfile", "--config", file],
        content: `{\n\tadmin off\n}\n${text.replace(/^\S*example\.org /gm, `http://127.0.0.1:${port} `)}`,
      },
      haproxy: {
        program: "haproxy",
        arguments_: ["-db", "-f", file],
        content: text.replaceAll("bind :80", `bind 127.0.0.1:${port}`),
      },
    }[name];
    writeFileSync(file, content);
    const child = spawn(program, arguments_, {
      cwd: folder,
      env: { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin`, HOME: folder },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const failed = new Promise<never>((_, reject) => child.once("error", reject));
    const proxy = new Proxy(`http://127.0.0.1:${port}`, folder, child);
    await Promise.race([failed, proxy.listens()]);
    return proxy;
  }

  private async listens(): Promise<void> {
    const end = Date.now() + PATIENCE;
    for (;;) {
      try {
        await fetch(this.url);
        return;
      } catch {
        // The proxy is not listening yet.
      }
      if (this.child.exitCode !== null || Date.now() > end) throw new Error(`the proxy did not start:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Kills the proxy. */
  async remove(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((resolve) => this.child.once("exit", resolve));
      this.child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
