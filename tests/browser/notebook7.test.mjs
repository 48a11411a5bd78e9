// Notebook 7 in a browser: the same kernel behind the other page of Jupyter's.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Notebook, open, until } from "./lab.mjs";

const CELLS = [
  'let photo = Image::from_tensor(&Tensor::zeros([3, 400, 600], (Kind::Float, Device::Cpu)))?;\nphoto.clone()',
  'println!("from Rust");\nphoto.width() + 2',
  "interact(slider(300..=600), |width| photo.crop(0, 0, width, 250)?)",
];

let lab;
let page;
let notebook;

before(async () => {
  lab = await open();
  page = lab.page;
  notebook = new Notebook(page, lab.address);
  const cells = CELLS.map((source, number) => (
    { cell_type: "code", id: `cell${number}`, metadata: {}, execution_count: null, outputs: [], source }));
  const metadata = { kernelspec: { name: "cvstudy", display_name: "Rust (CV study)", language: "rust" } };
  const content = JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata, cells });
  writeFileSync(join(lab.home, "notebooks/small.ipynb"), content);
});

after(async () => {
  await lab?.close();
});

test("a notebook runs and shows a picture and a value", async () => {
  await notebook.open("notebooks/small.ipynb", "notebooks");
  assert.equal(await page.evaluate(() => window.jupyterapp.name), "Jupyter Notebook");
  await notebook.command("notebook:run-all-cells");
  const picture = page.locator(".jp-RenderedImage img").first();
  await picture.waitFor();
  await until(() => picture.evaluate((image) => image.naturalWidth === 600), "the picture is drawn");
  const text = (await page.locator(".jp-OutputArea-output").allInnerTexts()).join("\n");
  assert.match(text, /from Rust/);
  assert.match(text, /602/);
  await notebook.screenshot("notebook7");
});

test("a slider draws", async () => {
  const handle = page.locator(".widget-slider .noUi-handle");
  await handle.waitFor();
  const pictures = page.locator(".jp-RenderedImage img");
  const width = () => pictures.last().evaluate((image) => image.naturalWidth);
  await until(async () => (await width()) === 300, "the first picture is there");
  await handle.scrollIntoViewIfNeeded();
  const box = await handle.boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let step = 1; step <= 10; step += 1) await page.mouse.move(x + 6 * step, y);
  await page.mouse.up();
  await until(async () => (await width()) > 300, "the picture grows");
});

test("Tab completes, and an interrupt keeps the variables", async () => {
  await notebook.newCell();
  await page.keyboard.type("imrea");
  await page.keyboard.press("Tab");
  await until(async () => (await notebook.source()) === "imread"
    || await page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item").count() > 0, "there is an offer");
  await page.keyboard.press("Escape");
  await notebook.newCell();
  await notebook.write('println!("running");\nlet mut n = 0_u64;\nloop { n = n.wrapping_add(1); }');
  await notebook.start();
  await until(async () => (await notebook.output()).includes("running"), "the loop runs");
  await notebook.command("notebook:interrupt-kernel");
  await until(async () => /interrupted/i.test(await notebook.output()), "the loop is interrupted");
  assert.match(await notebook.run("photo.width()"), /600/);
});
