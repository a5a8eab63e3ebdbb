// A server under test and a browser, for the tests of a file.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { openBrowser } from './chat_page.mjs';
import { SiteServer } from './site_server.mjs';

export const limit = { timeout: 120_000 };

/**
 * Starts the server whose binary the environment `variable` names, and a browser, before the tests of the file, and ends
 * both behind them. `server`, `browser` and `openPage()` are there in tests; `page.troubles` are the errors of a page.
 * `ready` is called when both are there (a hook of the file's own would not wait for this one).
 */
export function site(variable, ready = () => {}) {
  const it = {
    async openPage() {
      const page = await (await it.browser.newContext()).newPage();
      page.troubles = [];
      page.on('pageerror', (error) => page.troubles.push(error.message));
      await page.goto(it.server.url);
      return page;
    },
  };
  before(async () => {
    assert.ok(process.env[variable], `set ${variable}=path/to/the/binary`);
    it.server = new SiteServer(process.env[variable]);
    await it.server.start();
    it.browser = await openBrowser();
    await ready(it);
  }, limit);
  after(async () => {
    await it.browser?.close();
    await it.server?.stop();
  }, limit);
  return it;
}
