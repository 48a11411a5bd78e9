// JupyterLab with nothing of the user's own in it, and a page that shows it.

import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { CVSTUDY, PYTHON, CHROMIUM, REPOSITORY, PACKAGES, SCREENSHOTS } = process.env;
const { chromium } = createRequire(join(PACKAGES, "package.json"))("playwright-core");

/** How long to wait for anything, in milliseconds: the first cell may compile for a while on a busy machine. */
export const PATIENCE = 60_000;

/** A port that nobody uses right now. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A copy of the lessons, and the kernel under the name they ask for. */
function layOut(home) {
  for (const folder of ["notebooks", "data"]) {
    cpSync(join(REPOSITORY, folder), join(home, folder), { recursive: true });
  }
  const spec = join(home, "jupyter/kernels/cvstudy");
  mkdirSync(spec, { recursive: true });
  for (const logo of ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"]) {
    cpSync(join(REPOSITORY, "kernel/assets", logo), join(spec, logo));
  }
  const kernel = {
    argv: [CVSTUDY, "kernel", "--connection-file", "{connection_file}"],
    display_name: "Rust (CV study)",
    language: "rust",
    interrupt_mode: "message",
  };
  writeFileSync(join(spec, "kernel.json"), JSON.stringify(kernel));
}

/** Settings that keep JupyterLab from asking about news. */
function withoutNews(home) {
  const folder = join(home, "settings/@jupyterlab/apputils-extension");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "notification.jupyterlab-settings"), JSON.stringify({ fetchNews: "false" }));
}

/** Starts JupyterLab and a browser; `close` ends both. */
export async function open() {
  const home = mkdtempSync(join(tmpdir(), "cvstudy-browser-"));
  layOut(home);
  withoutNews(home);
  const port = await freePort();
  const server = spawn(
    PYTHON,
    ["-m", "jupyterlab", "--no-browser", "--allow-root", `--ServerApp.root_dir=${home}`, `--ServerApp.port=${port}`,
      "--ServerApp.port_retries=0", "--IdentityProvider.token=test", "--LabApp.expose_app_in_browser=True",
      "--JupyterNotebookApp.expose_app_in_browser=True"],
    {
      cwd: home,
      stdio: ["ignore", "ignore", process.env.SERVER_LOG ? "inherit" : "ignore"],
      env: {
        ...process.env,
        JUPYTER_PATH: join(home, "jupyter"),
        JUPYTER_CONFIG_DIR: join(home, "config"),
        JUPYTER_DATA_DIR: join(home, "user"),
        JUPYTER_RUNTIME_DIR: join(home, "runtime"),
        JUPYTERLAB_SETTINGS_DIR: join(home, "settings"),
        JUPYTERLAB_WORKSPACES_DIR: join(home, "workspaces"),
      },
    },
  );
  const address = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${address}/api?token=test`)).ok, "JupyterLab answers");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--force-color-profile=srgb"] });
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 }, deviceScaleFactor: 1 });
  page.setDefaultTimeout(PATIENCE);
  const close = async () => {
    await browser.close();
    await fetch(`${address}/api/shutdown?token=test`, { method: "POST" }).catch(() => {});
    await new Promise((resolve) => {
      if (server.exitCode !== null) return resolve();
      server.once("exit", resolve);
      setTimeout(() => server.kill("SIGKILL"), 20_000).unref();
    });
    rmSync(home, { recursive: true, force: true });
  };
  return { page, address, home, close };
}

/** Waits for a condition that may throw until it holds. */
export async function until(condition, what) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    if (await Promise.resolve().then(condition).catch(() => false)) return;
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A notebook in the page, driven as a person would where that is what is tested. */
export class Notebook {
  constructor(page, address) {
    this.page = page;
    this.address = address;
  }

  /** Opens a notebook and waits for its kernel; in JupyterLab, unless `under` names another front end's address. */
  async open(path, under = "lab/tree") {
    await this.page.goto(`${this.address}/${under}/${path}?token=test&reset`);
    await this.page.waitForSelector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-CodeCell");
    await until(() => this.page.evaluate(() => {
      const session = window.jupyterapp.shell.currentWidget?.sessionContext;
      return session?.isReady && session.session?.kernel?.status === "idle";
    }), "the kernel is idle");
  }

  /** Runs a command of JupyterLab's. */
  command(name) {
    return this.page.evaluate((name) => window.jupyterapp.commands.execute(name).then(() => true), name);
  }

  /** Puts a new cell at the end, in edit mode, with the cursor in it. */
  async newCell() {
    await this.page.evaluate(async () => {
      const { content } = window.jupyterapp.shell.currentWidget;
      content.activeCellIndex = content.widgets.length - 1;
      await window.jupyterapp.commands.execute("notebook:insert-cell-below");
    });
    await this.command("notebook:enter-edit-mode");
    await this.page.waitForSelector(".jp-Notebook.jp-mod-editMode .jp-Cell.jp-mod-active .cm-content");
    await this.page.locator(".jp-Cell.jp-mod-active").scrollIntoViewIfNeeded();
  }

  /** The text of the active cell. */
  source() {
    return this.page.evaluate(() => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.getSource());
  }

  /** Writes the active cell anew. */
  write(code) {
    return this.page.evaluate((code) => {
      window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.setSource(code);
    }, code);
  }

  /** Runs the active cell without waiting for it. */
  start() {
    return this.page.evaluate(() => void window.jupyterapp.commands.execute("notebook:run-cell"));
  }

  /** Runs code in a new cell and gives the text of its output. */
  async run(code) {
    await this.newCell();
    await this.write(code);
    await this.command("notebook:run-cell");
    return this.output();
  }

  /** The text below the active cell. */
  output() {
    return this.page.locator(".jp-Cell.jp-mod-active .jp-OutputArea-output").allInnerTexts().then((texts) => texts.join("\n"));
  }

  /** Saves a picture of the page. */
  async screenshot(name, options = {}) {
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), ...options });
  }
}
