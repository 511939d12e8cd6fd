// What goes wrong or is meant badly. Each ends in a page that says what to do; nothing is granted.
import assert from 'node:assert/strict'
import { isError } from '../lib.mjs'

const user = 'ouder2'

/** trouble goes to the consent page of the app that gets nothing. */
const trouble = (site, page) => site.toConsent(page, { client: site.trouble, user })

/** tickAll makes the form one that would be granted. */
async function tickAll(page) {
  for (const box of await page.locator('input[name=group]').all()) await box.check()
}

/** fields reads a form as its button would send it. */
const fields = (page) => page.evaluate(() => [...new FormData(document.querySelector('main form')), ['decision', 'allow']])

export const flows = {
  async 'a wrong password says so and logs nobody in'(site) {
    const page = await site.page()
    await site.launch(page, { client: site.trouble })
    for (const [name, password] of [[user, 'verkeerd'], ['nobody', 'demo']]) {
      await page.fill('[autocomplete=username]', name)
      await page.fill('[autocomplete=current-password]', password)
      await page.click('form button[type=submit]')
      await page.getByRole('alert').waitFor()
      assert.match(await page.getByRole('alert').innerText(), /Inloggen is niet gelukt\. Controleer uw gegevens\./)
      assert.equal(await page.inputValue('[autocomplete=current-password]'), '')
      const cookies = await page.context().cookies()
      assert.ok(!cookies.some((c) => c.name === '__Host-drl_s'), 'a session began')
      await page.getByRole('alert').getByRole('link').click()
      assert.equal(await page.evaluate(() => document.activeElement.id), 'login')
    }
    await site.nothingGranted(page)
  },

  async 'an expired page and an expired session'(site) {
    const page = await site.page()
    await trouble(site, page)
    await tickAll(page)
    await page.context().clearCookies({ name: '__Host-drl_s' })
    await page.getByRole('button', { name: 'Toestaan' }).click()
    await page.waitForURL(/\/auth\/login/)
    await site.login(page, user)
    await site.chooseChild(page)
    const address = page.url()
    await page.getByRole('button', { name: 'Weigeren' }).click()
    await page.getByText('U hebt geweigerd').waitFor()
    for (const step of ['login', 'child', 'consent']) {
      const answer = await page.goto(address.replace('/consent', `/${step}`))
      assert.equal(answer.status(), 400, step)
      await isError(page)
      assert.match(await page.locator('main').innerText(), /Deze pagina is verlopen\. Ga terug naar de app en begin opnieuw\./)
    }
    await site.nothingGranted(page)
  },

  async 'the back button after a refusal'(site) {
    const page = await site.page()
    await trouble(site, page)
    await page.getByRole('button', { name: 'Weigeren' }).click()
    await page.getByRole('link', { name: 'Terug naar de app' }).click()
    await site.back(page)
    await page.evaluate(() => history.go(-2)) // one step is the form: the browser asks whether to send it again
    await page.waitForURL(/\/auth\/consent/)
    await isError(page)
    await site.nothingGranted(page)
  },

  async 'the same page in two tabs: one answer counts'(site) {
    const first = await site.page()
    await trouble(site, first)
    const second = await first.context().newPage()
    await second.goto(first.url())
    await tickAll(second)
    await first.getByRole('button', { name: 'Weigeren' }).click()
    await first.getByText('U hebt geweigerd').waitFor()
    await second.getByRole('button', { name: 'Toestaan' }).click()
    await second.getByText('Nummer van deze melding').waitFor()
    await isError(second)
    await site.nothingGranted(second)
  },

  async 'a form that is sent again'(site) {
    const page = await site.page()
    await trouble(site, page)
    await tickAll(page)
    const form = new URLSearchParams(await fields(page)).toString()
    await page.getByRole('button', { name: 'Weigeren' }).click()
    await page.getByText('U hebt geweigerd').waitFor()
    for (const origin of [site.base, site.app]) {
      const answer = await page.context().request.post(`${site.base}/auth/consent`, {
        headers: { origin, 'content-type': 'application/x-www-form-urlencoded' }, data: form, maxRedirects: 0,
      })
      assert.equal(answer.status(), origin === site.base ? 400 : 403)
      assert.ok(!(await answer.text()).includes('code='))
    }
    await site.nothingGranted(page)
  },

  async 'a form of another origin, with every field right'(site) {
    const page = await site.page()
    await trouble(site, page)
    await tickAll(page)
    const form = await fields(page)
    const evil = await page.context().newPage()
    await evil.goto(`${site.app}/foreign.html`)
    const answer = evil.waitForResponse((r) => r.url() === `${site.base}/auth/consent`)
    await evil.evaluate(([action, pairs]) => {
      const f = document.forms[0]
      f.action = action
      for (const [name, value] of pairs) f.append(Object.assign(document.createElement('input'), { name, value }))
      f.submit()
    }, [`${site.base}/auth/consent`, form])
    assert.equal((await answer).status(), 403)
    await evil.waitForLoadState()
    await isError(evil)
    await site.nothingGranted(evil)
    await page.getByRole('button', { name: 'Weigeren' }).click() // the parent's own page still works
    await page.getByText('U hebt geweigerd').waitFor()
  },

  async 'the address of a login in another browser'(site) {
    const page = await site.page()
    await trouble(site, page)
    const other = await site.page()
    assert.equal((await other.goto(page.url())).status(), 400)
    await isError(other)
    await site.nothingGranted(other)
  },

  async 'a child that is not theirs'(site) {
    const page = await site.page()
    await site.launch(page, { client: site.trouble })
    await site.login(page, user)
    await page.evaluate((id) => { document.querySelector('input[name=child]').value = `Patient/${id}` }, site.stranger)
    await page.locator('input[name=child]').first().check()
    await page.click('form button[type=submit]')
    await page.getByRole('alert').waitFor()
    assert.match(await page.getByRole('alert').innerText(), /Kies een kind\./)
    await site.nothingGranted(page)
  },

  async 'an app that asks wrongly'(site) {
    const page = await site.page()
    const asked = (more) => `${site.base}/auth/authorize?${new URLSearchParams({
      response_type: 'code', client_id: site.trouble, redirect_uri: `${site.app}/app.html`, scope: 'patient/Patient.r',
      state: 'x', aud: `${site.base}/fhir`, code_challenge: 'A'.repeat(43), code_challenge_method: 'S256', ...more,
    })}`
    for (const more of [{ client_id: 'unknown' }, { redirect_uri: `${site.app}/other.html` }]) {
      const answer = await page.goto(asked(more))
      assert.equal(answer.status(), 400)
      assert.ok(page.url().startsWith(site.base))
      await isError(page)
    }
    for (const [more, error] of [
      [{ scope: 'system/*.rs' }, 'invalid_scope'], [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ aud: 'https://example.org/fhir' }, 'invalid_request'], [{ prompt: 'none' }, 'login_required'],
    ]) {
      await page.goto(asked(more))
      const answer = new URL(page.url())
      assert.ok(answer.href.startsWith(`${site.app}/app.html?`), answer.href)
      assert.equal(answer.searchParams.get('error'), error)
      assert.equal(answer.searchParams.get('state'), 'x')
      assert.equal(answer.searchParams.get('code'), null)
    }
    await site.nothingGranted(page)
  },
}
