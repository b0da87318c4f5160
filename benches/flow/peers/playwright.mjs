import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { obey, settings } from './peer.mjs';

async function signIn(page) {
  await page.goto(`${settings.base}/login`);
  await page.getByLabel('Email', { exact: true }).fill(settings.username);
  await page.getByLabel('Password', { exact: true }).fill(settings.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Account menu', exact: true }).waitFor();
}

let traced = 0;

obey({
  launch: () => chromium.launch({ executablePath: settings.chromium, headless: true, args: settings.arguments }),

  async flow(browser, { email, role, pictures, tracing }) {
    const context = await browser.newContext({ viewport: settings.viewport, reducedMotion: 'reduce' });
    if (tracing) await context.tracing.start({ screenshots: true, snapshots: true });
    const page = await context.newPage();
    const picture = async () => {
      if (pictures) await page.screenshot({ type: 'jpeg', quality: 60 });
    };
    const step = async (done) => {
      await done;
      await picture();
    };
    const cell = page.getByRole('cell', { name: email, exact: true });
    const row = page.getByRole('row').filter({ has: cell });
    const dialog = page.getByRole('dialog', { name: 'Edit member', exact: true });

    await step(page.goto(`${settings.base}/login`));
    await step(page.getByLabel('Email', { exact: true }).fill(settings.username));
    await step(page.getByLabel('Password', { exact: true }).fill(settings.password));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await step(page.getByRole('button', { name: 'Account menu', exact: true }).waitFor());
    await step(page.goto(`${settings.base}/orgs/acme/members?q=${encodeURIComponent(email)}`));
    await row.waitFor();
    await row.getByRole('button', { name: 'Edit', exact: true }).click();
    await step(dialog.getByText(email, { exact: true }).waitFor());
    await step(dialog.getByLabel('Role', { exact: true }).selectOption({ label: role }));
    await picture();
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await step(page.getByRole('status').filter({ hasText: 'Member updated' }).waitFor());

    if (tracing) {
      const file = path.join(settings.traces, `${process.pid}-${traced++}.zip`);
      await context.tracing.stop({ path: file });
      fs.unlinkSync(file);
    }
    await context.close();
  },

  async hold(browser) {
    const context = await browser.newContext({ viewport: settings.viewport, reducedMotion: 'reduce' });
    await signIn(await context.newPage());
  },
});
