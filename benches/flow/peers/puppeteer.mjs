import puppeteer from 'puppeteer-core';
import { obey, settings } from './peer.mjs';

const named = (role, name) => `::-p-aria([name="${name}"][role="${role}"])`;

async function open(browser) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  return { context, page };
}

async function signIn(page, picture) {
  await page.goto(`${settings.base}/login`);
  await picture();
  await page.locator(named('textbox', 'Email')).fill(settings.username);
  await picture();
  await page.locator(named('textbox', 'Password')).fill(settings.password);
  await picture();
  await page.locator(named('button', 'Sign in')).click();
  await page.locator(named('button', 'Account menu')).wait();
  await picture();
}

obey({
  launch: () => puppeteer.launch({
    executablePath: settings.chromium, headless: true, args: settings.arguments, defaultViewport: settings.viewport,
  }),

  async flow(browser, { email, role, pictures }) {
    const { context, page } = await open(browser);
    const picture = async () => {
      if (pictures) await page.screenshot({ type: 'jpeg', quality: 60 });
    };
    await signIn(page, picture);
    await page.goto(`${settings.base}/orgs/acme/members?q=${encodeURIComponent(email)}`);
    await picture();
    // A picture that is asked for while a document is being replaced never comes, so they are taken after what follows a click.
    // The search leaves one row; Puppeteer has no way to say "the row that has this cell".
    await page.locator(named('cell', email)).wait();
    await page.locator(named('button', 'Edit')).click();
    await page.locator(`::-p-aria([name="Edit member"][role="dialog"]) >>> ::-p-text(${email})`).wait();
    await picture();
    await page.locator(named('combobox', 'Role')).fill(role);
    await picture();
    await picture();
    await page.locator(named('button', 'Save')).click();
    await page.locator('::-p-text(Member updated)').wait();
    await picture();
    await context.close();
  },

  async hold(browser) {
    const { page } = await open(browser);
    await signIn(page, async () => {});
  },
});
