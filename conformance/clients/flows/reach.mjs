// The way to the app for who has no mouse, and for who has no JavaScript.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readScope } from '../lib.mjs'

/** focused tells what has the focus and whether a person can see that. */
const focused = (page) => page.evaluate(() => {
  const e = document.activeElement
  const style = getComputedStyle(e)
  const box = e.getBoundingClientRect()
  return {
    name: e.name ?? '', value: e.value ?? '', tag: e.tagName,
    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    inView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  }
})

/** tab presses the tab key until it reaches a control; everything on the way shows its focus. */
async function tab(page, name, value) {
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab')
    const f = await focused(page)
    if (f.tag !== 'BODY') assert.ok(f.ring && f.inView, `focus is not seen: ${JSON.stringify(f)}`)
    if (f.name === name && (value === undefined || f.value === value)) return
  }
  assert.fail(`the tab key does not reach ${name}`)
}

export const flows = {
  async 'the keyboard alone'(site) {
    const page = await site.page()
    await site.launch(page)
    await tab(page, 'login')
    await page.keyboard.type('ouder1')
    await tab(page, 'password')
    await page.keyboard.type('demo')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/auth\/child/)
    await tab(page, 'child')
    await page.keyboard.press('Space')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/auth\/consent/)
    await tab(page, 'group', 'child')
    await page.keyboard.press('Space')
    await tab(page, 'group', 'plan')
    await page.keyboard.press('Space')
    await tab(page, 'duration', 'once')
    await page.keyboard.press('ArrowDown')
    assert.equal((await focused(page)).value, '3m')
    await tab(page, 'decision', 'refuse') // refusing comes first
    await tab(page, 'decision', 'allow')
    await page.keyboard.press('Enter')
    assert.equal(await site.back(page), `OK ${site.child}`)
    await site.stopApps(page)
  },

  async 'the pages of the login without JavaScript'(site) {
    const page = await site.page({ javaScriptEnabled: false })
    const verifier = randomBytes(32).toString('base64url')
    const redirect = `${site.app}/app.html`
    await page.goto(`${site.base}/auth/authorize?${new URLSearchParams({
      response_type: 'code', client_id: site.client, redirect_uri: redirect, scope: readScope, state: 'één & twee',
      aud: `${site.base}/fhir`, code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })}`)
    await site.login(page)
    await site.chooseChild(page)
    await site.consent(page)
    await page.waitForURL((u) => u.href.startsWith(redirect))
    const answer = new URL(page.url()).searchParams
    assert.equal(answer.get('state'), 'één & twee')
    const res = await fetch(`${site.base}/auth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code', code: answer.get('code'), redirect_uri: redirect, client_id: site.client, code_verifier: verifier,
      }),
    })
    assert.equal(res.status, 200)
    const token = await res.json()
    const read = (path) => fetch(`${site.base}/fhir/${path}`, { headers: { authorization: `Bearer ${token.access_token}` } })
    assert.equal((await read(`Patient/${site.child}`)).status, 200)
    assert.equal(await site.stopApps(page), 1)
    assert.equal((await read(`Patient/${site.child}`)).status, 401)
  },
}
