package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// The app of the parents and the most that it asks for.
const (
	app      = "bench-app"
	appScope = "launch/patient patient/Patient.r patient/CarePlan.rs"
)

// parent is a parent with a live permission for one child.
type parent struct {
	child child
	login string
	token string
	at    time.Time
}

// parentLife is how long a parent's token is used; it lives 900 s.
const parentLife = 10 * time.Minute

const parentPassword = "correct horse battery"

// logIn makes accounts for parents and takes them through login, child and consent.
func (b *bench) logIn(ctx context.Context) error {
	children := b.readers()
	parents := min(b.o.Parents, len(children)) // each login costs what a password hash costs
	for i := range parents {
		c := children[i*len(children)/parents]
		p := parent{child: c, login: fmt.Sprintf("ouder-%d", c.n)}
		err := b.site.tool(ctx, parentPassword+"\n", "user", "add", "--login", p.login, "--fhir-user", "RelatedPerson/"+c.guardian, "--password-stdin")
		if err != nil {
			return err
		}
		if err := b.permit(ctx, &p); err != nil {
			return fmt.Errorf("the parent's pages: %w", err)
		}
		b.parents = append(b.parents, p)
	}
	b.say("%d parents gave their permission", len(b.parents))
	return nil
}

// renew gives parents whose tokens end soon new ones.
func (b *bench) renew(ctx context.Context) error {
	for i := range b.parents {
		if time.Since(b.parents[i].at) < parentLife {
			continue
		}
		if err := b.permit(ctx, &b.parents[i]); err != nil {
			return fmt.Errorf("the parent's pages: %w", err)
		}
	}
	return nil
}

// permit goes through the pages as the parent would and redeems the code.
func (b *bench) permit(ctx context.Context, p *parent) error {
	verifier, err := randomText()
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(verifier))
	base := b.site.client.base
	br := &browser{base: base, cookies: map[string]string{}}
	code, err := br.consent(ctx, "/auth/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {app}, "redirect_uri": {base + "/app/"}, "scope": {appScope}, "state": {verifier[:16]},
		"aud": {base + "/fhir"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode(), p.login)
	if err != nil {
		return err
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {base + "/app/"}, "client_id": {app}, "code_verifier": {verifier},
	}
	body, err := b.site.client.call(ctx, &worker{}, request{method: "POST", path: "/auth/token", media: formMedia, body: []byte(form.Encode())})
	if err != nil {
		return err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		Patient     string
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if answer.AccessToken == "" || answer.Patient != p.child.patient {
		return errors.New("the token is not for the child")
	}
	p.token, p.at = answer.AccessToken, time.Now()
	return nil
}

// randomText returns 43 characters that nobody can guess.
func randomText() (string, error) {
	var raw [32]byte
	_, err := rand.Read(raw[:])
	return base64.RawURLEncoding.EncodeToString(raw[:]), err
}

// browser keeps cookies, follows redirects within the server and fills forms.
type browser struct {
	base    string
	cookies map[string]string
}

var (
	inputTag  = regexp.MustCompile(`<input[^>]*>`)
	buttonTag = regexp.MustCompile(`<button[^>]*>`)
	actionTag = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	backLink  = regexp.MustCompile(`(?:url=|class="button" href=")([^"]*/app/\?[^"]*)"`)
)

// consent goes on from page to page, saying yes, until it is sent back with a code.
func (br *browser) consent(ctx context.Context, path, login string) (string, error) {
	text, err := br.open(ctx, http.MethodGet, path, nil)
	for range 6 {
		if err != nil {
			return "", err
		}
		if m := backLink.FindStringSubmatch(text); m != nil {
			u, err := url.Parse(html.UnescapeString(m[1]))
			if err != nil || u.Query().Get("code") == "" {
				return "", errors.New("sent back without a code")
			}
			return u.Query().Get("code"), nil
		}
		action := actionTag.FindStringSubmatch(text)
		if action == nil {
			return "", fmt.Errorf("a page without a form: %.200s", text)
		}
		text, err = br.open(ctx, http.MethodPost, html.UnescapeString(action[1]), filled(text, login))
	}
	return "", errors.New("the pages have no end")
}

// filled fills the first form of a page: hidden fields and boxes as they are, the first choice of
// each group, the account, and yes.
func filled(page, login string) url.Values {
	form := url.Values{}
	for _, tag := range inputTag.FindAllString(page, -1) {
		name, value := attribute(tag, "name"), attribute(tag, "value")
		switch kind := attribute(tag, "type"); {
		case kind == "hidden" || kind == "checkbox":
			form.Add(name, value)
		case kind == "radio" && !form.Has(name):
			form.Set(name, value)
		case kind == "password":
			form.Set(name, parentPassword)
		case name == "login":
			form.Set(name, login)
		}
	}
	for _, tag := range buttonTag.FindAllString(page, -1) {
		if attribute(tag, "name") == "decision" {
			form.Set("decision", "allow")
		}
	}
	return form
}

func attribute(tag, name string) string {
	_, rest, ok := strings.Cut(tag, " "+name+`="`)
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return html.UnescapeString(value)
}

// open asks for a page and follows redirects. The server's cookies are Secure; a browser takes them
// on loopback, a jar of net/http does not.
func (br *browser) open(ctx context.Context, method, path string, form url.Values) (string, error) {
	for range 10 {
		req, err := http.NewRequestWithContext(ctx, method, br.base+path, strings.NewReader(form.Encode()))
		if err != nil {
			return "", err
		}
		if form != nil {
			req.Header.Set("Content-Type", formMedia)
			req.Header.Set("Origin", br.base)
		}
		for name, value := range br.cookies {
			req.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close() // read to its end
		if err != nil {
			return "", err
		}
		for _, c := range res.Cookies() {
			br.cookies[c.Name] = c.Value
		}
		if res.StatusCode != http.StatusSeeOther {
			return string(text), nil
		}
		method, form, path = http.MethodGet, nil, strings.TrimPrefix(res.Header.Get("Location"), br.base)
	}
	return "", errors.New("redirected in a circle")
}
