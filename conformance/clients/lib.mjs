// What every flow needs: a browser of its own, the pages of the authorisation server, the app.
import assert from 'node:assert/strict'

export const readScope = 'launch/patient openid fhirUser offline_access patient/Patient.r patient/CarePlan.rs'

/** Site is the server under test, the app's host and the ids that the driver found. */
export class Site {
  constructor(browser, config, watch) {
    Object.assign(this, config)
    this.browser = browser
    this.contexts = []
    this.looked = [] // templates and languages of the pages that axe-core judged
    this.watch = watch
  }

  /** page opens a tab of a new browser profile. */
  async page(options = {}) {
    const context = await this.browser.newContext({ locale: 'nl-NL', viewport: { width: 390, height: 844 }, ...options })
    context.setDefaultTimeout(8000)
    this.contexts.push(context)
    return context.newPage()
  }

  async close() {
    await Promise.all(this.contexts.splice(0).map((c) => c.close()))
  }

  /** launch opens the app, which sends the browser to the login page. Returns the request it made. */
  async launch(page, { client = this.client, scope = readScope, ...more } = {}) {
    const query = new URLSearchParams({ iss: `${this.base}/fhir`, client_id: client, scope, ...more })
    const asked = page.waitForRequest((r) => r.url().startsWith(`${this.base}/auth/authorize`))
    await page.goto(`${this.app}/launch.html?${query}`)
    const request = new URL((await asked).url())
    await page.waitForURL(/\/auth\/(login|child)/)
    return request.searchParams
  }

  /** login fills the login form and waits for what follows. */
  async login(page, user = 'ouder1', password = 'demo') {
    await page.fill('[autocomplete=username]', user)
    await page.fill('[autocomplete=current-password]', password)
    await page.click('form button[type=submit]')
    await page.waitForURL(/\/auth\/(child|apps)/)
  }

  /** chooseChild takes the first child of the page, which is checked when it is the only one. */
  async chooseChild(page) {
    await page.locator('input[name=child]').first().check()
    await page.click('form button[type=submit]')
    await page.waitForURL(/\/auth\/consent/)
  }

  /** consent ticks every group, chooses how long, and decides. */
  async consent(page, { duration = '3 maanden', decision = 'Toestaan' } = {}) {
    for (const box of await page.locator('input[name=group]').all()) await box.check()
    if (duration) await page.getByRole('radio', { name: duration }).check()
    await page.getByRole('button', { name: decision }).click()
  }

  /** toConsent goes from the app to the consent page. */
  async toConsent(page, options = {}) {
    const asked = await this.launch(page, options)
    await this.login(page, options.user)
    await this.chooseChild(page)
    return asked
  }

  /** connect goes the whole way and returns when the app has its token, or an error. */
  async connect(page, options = {}) {
    const asked = await this.toConsent(page, options)
    await this.consent(page, options)
    await this.back(page)
    return asked
  }

  /** back waits until the app has ended its launch. */
  async back(page) {
    await page.waitForFunction(() => /^(OK|ERR) /.test(document.title))
    return page.title()
  }

  /** get reads with the token of the app, in the app's page: CORS is the browser's. */
  async get(page, path) {
    return page.evaluate(async (url) => {
      const token = window.client.state.tokenResponse.access_token
      const res = await fetch(url, { headers: { authorization: `Bearer ${token}`, accept: 'application/fhir+json' } })
      return { status: res.status, challenge: res.headers.get('www-authenticate'), body: await res.json() }
    }, `${this.base}/fhir/${path}`)
  }

  /** stopApps withdraws every consent of the parent, as the page of apps offers it. */
  async stopApps(page, user = 'ouder1') {
    await this.apps(page, user)
    const links = page.getByRole('link', { name: /^Stop/ })
    const count = await links.count()
    for (let left = count; left > 0; left--) {
      await links.first().click()
      await page.waitForURL(/stop=/)
      await page.click('form button[type=submit]')
      await page.waitForURL((u) => u.pathname === '/auth/apps' && !u.search)
      assert.equal(await links.count(), left - 1)
    }
    return count
  }

  /** apps opens the page on which a parent sees what apps may read. */
  async apps(page, user = 'ouder1') {
    await page.goto(`${this.base}/auth/apps`)
    if (page.url().includes('/auth/login')) await this.login(page, user)
    assert.match(page.url(), /\/auth\/apps/)
  }

  /** nothingGranted fails when the app of the misuse flows may read anything. */
  async nothingGranted(page) {
    assert.ok(!(page.url().startsWith(this.app) && page.url().includes('code=')), 'the app got a code')
    const text = await this.watch()
    assert.ok(text.includes('Geen enkele app'), `an app may read: ${text}`)
  }
}

/** isError holds that the page is the server's own error page: a sentence and a number. */
export async function isError(page) {
  assert.match(await page.locator('main').innerText(), /Dat ging niet[\s\S]*Nummer van deze melding: \S+/)
}

/** watcher logs the second parent in once and returns what reads that parent's page of apps. */
export async function watcher(browser, config) {
  const site = new Site(browser, config)
  const page = await site.page()
  return async () => {
    await site.apps(page, 'ouder2')
    return page.locator('main').innerText()
  }
}
