// JupyterLab in a browser: the tour runs, and the kernel does what a person expects of it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Notebook, open, until } from "./lab.mjs";

let lab;
let page;
let notebook;

before(async () => {
  lab = await open();
  page = lab.page;
  notebook = new Notebook(page, lab.address);
});

after(async () => {
  await lab?.close();
});

test("the launcher shows the kernel's logo", async () => {
  await page.goto(`${lab.address}/lab?token=test&reset`);
  const logo = page.locator('.jp-LauncherCard[title^="Rust (CV study)"] img').first();
  await logo.waitFor();
  await until(() => logo.evaluate((image) => image.naturalWidth > 0), "the logo is loaded");
  await notebook.screenshot("launcher");
});

test("the tour runs and shows images and a plot", async () => {
  await notebook.open("notebooks/tour.ipynb");
  await notebook.screenshot("opened");
  await notebook.command("notebook:run-all-cells");
  const shown = await page.evaluate(() => {
    const cells = window.jupyterapp.shell.currentWidget.model.cells;
    const outputs = [...cells].filter((cell) => cell.type === "code").flatMap((cell) => cell.sharedModel.getOutputs());
    return {
      kinds: outputs.flatMap((output) => Object.keys(output.data ?? {})),
      errors: outputs.filter((output) => output.output_type === "error" || output.name === "stderr"),
    };
  });
  assert.deepEqual(shown.errors, []);
  for (const kind of ["image/png", "image/svg+xml"]) assert.ok(shown.kinds.includes(kind), kind);
  // What is out of sight is not drawn: go to each kind of output and look at the pixels.
  for (const [name, selector] of [["photo", ".jp-RenderedImage img"], ["plot", "img.cvstudy-chart"]]) {
    const index = await page.evaluate((selector) => {
      const { content } = window.jupyterapp.shell.currentWidget;
      const mime = selector.includes("chart") ? "image/svg+xml" : "image/png";
      const has = (cell) => cell.model.type === "code"
        && cell.model.sharedModel.getOutputs().some((output) => output.data && mime in output.data);
      const index = content.widgets.findIndex(has);
      content.activeCellIndex = index;
      return content.scrollToItem(index, "start").then(() => index, () => index);
    }, selector);
    const image = page.locator(`.jp-Cell.jp-mod-active ${selector}`).first();
    await image.waitFor();
    await until(() => image.evaluate((image) => image.getBoundingClientRect().width > 100 && (image.naturalWidth ?? 1) > 0),
      `cell ${index} shows its ${name}`);
    await notebook.screenshot(name);
  }
});

test("the page is fit for a picture of it", async () => {
  await page.setViewportSize({ width: 1080, height: 1010 });
  await notebook.command("application:toggle-left-area");
  await page.evaluate(() => {
    const { content } = window.jupyterapp.shell.currentWidget;
    const index = content.widgets.findIndex((cell) => cell.model.sharedModel.getSource().startsWith("Chart::new()"));
    content.activeCellIndex = index;
    return content.scrollToItem(index, "start").catch(() => {});
  });
  await page.locator(".jp-Cell.jp-mod-active img.cvstudy-chart").first().waitFor();
  await page.locator(".jp-Cell.jp-mod-active").evaluate((cell) => {
    const panel = cell.closest(".jp-WindowedPanel-outer");
    panel.scrollTop += cell.getBoundingClientRect().top - panel.getBoundingClientRect().top;
  });
  await page.getByText("256 x 256: never seen").last().waitFor();
  await notebook.screenshot("tour");
  await notebook.command("application:toggle-left-area");
  await page.setViewportSize({ width: 1400, height: 1000 });
});

test("Rust is coloured and indented", async () => {
  await notebook.newCell();
  await page.keyboard.type("fn twice(x: f64) -> f64 {\n2.0 * x");
  assert.equal(await notebook.source(), "fn twice(x: f64) -> f64 {\n    2.0 * x");
  const colours = await page.locator(".jp-Cell.jp-mod-active .cm-line span").evaluateAll((spans) =>
    Object.fromEntries(spans.map((span) => [span.textContent, getComputedStyle(span).color])));
  const plain = await page.locator(".jp-Cell.jp-mod-active .cm-content").evaluate((line) => getComputedStyle(line).color);
  assert.ok(colours.fn && colours.fn !== plain, JSON.stringify(colours));
  assert.ok(colours["2.0"] && colours["2.0"] !== colours.fn, JSON.stringify(colours));
});

test("Tab completes with types and icons", async () => {
  await notebook.newCell();
  await page.keyboard.type("photo.re");
  await page.keyboard.press("Tab");
  const items = page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item");
  await items.first().waitFor();
  const offered = await items.allInnerTexts();
  assert.ok(offered.some((text) => text.includes("resize")), offered.join(" | "));
  await notebook.screenshot("completion");
  await page.keyboard.press("Escape");
  await notebook.newCell();
  await page.keyboard.type("imrea");
  await page.keyboard.press("Tab");
  await items.first().waitFor();
  await page.keyboard.press("Enter");
  assert.equal(await notebook.source(), "imread");
});

test("Shift-Tab inspects", async () => {
  await notebook.newCell();
  await page.keyboard.type("imread(");
  await page.keyboard.press("Shift+Tab");
  const tooltip = page.locator(".jp-Tooltip");
  await tooltip.waitFor();
  const text = await tooltip.innerText();
  assert.match(text, /fn imread/);
  assert.match(text, /Reads an image file/);
  await notebook.screenshot("inspection");
  await page.keyboard.press("Escape");
});

test("an interrupted loop leaves the variables", async () => {
  await notebook.newCell();
  await notebook.write('println!("running");\nlet mut n = 0_u64;\nloop { n = n.wrapping_add(1); }');
  await notebook.start();
  await until(async () => (await notebook.output()).includes("running"), "the loop runs");
  await notebook.command("notebook:interrupt-kernel");
  await until(async () => /interrupted/i.test(await notebook.output()), "the loop is interrupted");
  await notebook.screenshot("interrupted");
  assert.match(await notebook.run("photo.width()"), /640/);
});

/** The width of the picture that the active cell's slider draws. */
function width() {
  return page.locator(".jp-Cell.jp-mod-active .jp-RenderedImage img").evaluate((image) => image.naturalWidth);
}

/** Drags the slider of the active cell to the right, and sees the picture grow with it. */
async function dragSlider() {
  const before = await width();
  const handle = page.locator(".jp-Cell.jp-mod-active .widget-slider .noUi-handle");
  await handle.scrollIntoViewIfNeeded();
  const box = await handle.boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let step = 1; step <= 20; step += 1) await page.mouse.move(x + 4 * step, y);
  await until(async () => (await width()) > before, "the picture grows while the slider is held");
  await page.mouse.up();
  const readout = page.locator(".jp-Cell.jp-mod-active .widget-readout");
  await until(async () => Number(await readout.innerText()) === (await width()), "the picture is the slider's");
}

test("a slider redraws the picture as it is dragged", async () => {
  await notebook.newCell();
  await notebook.write('interact(slider(300..=600).label("width"), |width| photo.crop(0, 150, width, 250)?)');
  await notebook.command("notebook:run-cell");
  await page.locator(".jp-Cell.jp-mod-active .widget-slider .noUi-handle").waitFor();
  await until(async () => (await width()) === 300, "the first picture is there");
  await dragSlider();
  await notebook.screenshot("slider");
});

test("a page that is loaded anew finds its widgets, and they draw", async () => {
  const last = await width();
  await notebook.command("docmanager:save");
  await page.reload();
  await page.waitForSelector(".jp-Notebook .jp-CodeCell");
  await page.evaluate(() => {
    const { content } = window.jupyterapp.shell.currentWidget;
    const index = content.widgets.findLastIndex((cell) => cell.model.sharedModel.getSource().startsWith("interact("));
    content.activeCellIndex = index;
    return content.scrollToItem(index, "center").catch(() => {});
  });
  await page.locator(".jp-Cell.jp-mod-active .widget-slider .noUi-handle").waitFor();
  await until(async () => (await width()) === last, "the last picture is there again");
  await dragSlider();
  await notebook.screenshot("reloaded");
});
