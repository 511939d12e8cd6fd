// The screen on which a professional breaks the glass.
import assert from 'node:assert/strict'
import { look } from './screens.mjs'

const words = {
  nl: { no: 'Niet openen', yes: 'Openen' }, sv: { no: 'Öppna inte', yes: 'Öppna' }, en: { no: 'Do not open', yes: 'Open' },
}

/** challenge is that of RFC 7636, appendix B. */
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

/** ask goes to the screen as the app would send the browser there. */
async function ask(site, page) {
  await page.goto(`${site.base}/auth/authorize?${new URLSearchParams({
    response_type: 'code', client_id: site.acute, redirect_uri: `${site.app}/app.html`, scope: 'user/Patient.rs user/CarePlan.rs',
    state: 's', aud: `${site.base}/fhir`, code_challenge: challenge, code_challenge_method: 'S256', purpose_of_use: 'BTG',
  })}`)
  if (!page.url().includes('/auth/login')) return
  await page.fill('[autocomplete=username]', 'zorgcoordinator')
  await page.fill('[autocomplete=current-password]', 'demo')
  await page.click('form button[type=submit]')
  await page.waitForURL(/\/auth\/consent/)
}

async function screen(site, lang) {
  const page = await site.page({ locale: lang })
  await ask(site, page)
  await look(site, page, lang, 'emergency')
  const reason = page.getByRole('textbox')
  assert.equal(await reason.inputValue(), '')
  await page.getByRole('button', { name: words[lang].yes, exact: true }).click() // the browser asks for a reason
  assert.match(page.url(), /\/auth\/consent/)
  await reason.fill('kort          ')
  await page.getByRole('button', { name: words[lang].yes, exact: true }).click()
  await page.getByRole('alert').waitFor()
  await look(site, page, lang, 'emergency-short')
  await page.getByRole('link', { name: /10/ }).click()
  assert.ok(await reason.evaluate((e) => e === document.activeElement), 'the fault does not lead to its field')

  await reason.fill('')
  for (const name of [words[lang].no, words[lang].yes]) { // by the keyboard: to refuse comes first
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.textContent), name)
  }
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Enter') // no reason is needed to refuse
  await page.locator('main a.button').waitFor()
  assert.match(await page.locator('main a.button').getAttribute('href'), /error=access_denied/)

  await ask(site, page)
  await page.route(`${site.app}/**`, (r) => r.fulfill({ status: 204 })) // the page that leads on stays
  await reason.fill('Bewusteloos binnengebracht')
  await page.getByRole('button', { name: words[lang].yes, exact: true }).click()
  await page.waitForSelector('meta[http-equiv=refresh]', { state: 'attached' })
  assert.ok(!page.url().includes('Bewusteloos'))
  await look(site, page, lang, 'emergency-opened')
}

export const flows = Object.fromEntries(Object.keys(words).map((lang) => [
  `a professional breaks the glass in ${lang}`, (site) => screen(site, lang),
]))
