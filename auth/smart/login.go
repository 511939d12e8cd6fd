package smart

import (
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
)

type loginView struct {
	Ixn, CSRF      string
	App, Org, Host string // App empty: the user came for the page of apps
	Elsewhere      []loginLink
	Hint           string
	Problem        string // key of an error text
	Back           template.URL
}

// loginLink leads to a login elsewhere. It is a link, not a form: a browser checks every hop after a form.
type loginLink struct{ Name, URL string }

// login shows the login page and takes its form.
func (s *Server) login(v *visit) error {
	f, err := s.flow(v)
	if err != nil {
		return err
	}
	if v.r.Method != http.MethodPost {
		return s.showLogin(v, f, http.StatusOK, "")
	}
	if !v.sameForm(f.browser, f.id.Reveal(), "login") {
		return forged()
	}
	bucketName := "login:" + foldLogin(v.value("login"))
	if err := s.checkBlock(v.ctx(), bucketName, v.address); err != nil {
		return s.tooManyLogins(v, f, err)
	}
	who, err := s.users.verify(v.ctx(), v.value("login"), Secret(v.value("password")))
	if err != nil {
		return err
	}
	if who == nil {
		s.logVisit(v, slog.LevelInfo, "login_failed", slog.String("outcome", "refused"), slog.String("client_id", f.Client))
		err := s.countSecretFailure(v.ctx(), bucketName, v.address, refuse("login.wrong"))
		return s.tooManyLogins(v, f, err)
	}
	if !f.isFor(who) {
		return s.otherUser(v, f)
	}
	session, err := s.startSession(v, who, acrPassword, s.clock())
	if err != nil {
		return err
	}
	f.attach(session)
	return s.advance(v, f)
}

// tooManyLogins shows the form again after a wrong password, and says so when there were too many.
func (s *Server) tooManyLogins(v *visit, f *flow, err error) error {
	switch asFault(err).rule {
	case "login.wrong":
		return s.showLogin(v, f, http.StatusOK, "wrong")
	case "client.rate":
		v.w.Header().Set("Retry-After", "300")
		return s.showLogin(v, f, http.StatusTooManyRequests, "login.slow")
	}
	return err
}

func (s *Server) showLogin(v *visit, f *flow, status int, problem string) error {
	view := loginView{
		Ixn: f.id.Reveal(), CSRF: csrfField(f.browser, f.id.Reveal(), "login"), Hint: f.Hint, Problem: problem,
	}
	for _, p := range s.upstream.Providers {
		view.Elsewhere = append(view.Elsewhere, loginLink{p.Name.In(v.lang), upstreamPath + p.ID + "?ixn=" + url.QueryEscape(f.id.Reveal())})
	}
	if f.client != nil {
		view.App, view.Org = f.client.appName(v.lang), f.client.organizationText()
		view.Host, view.Back = hostOf(f.Redirect), appURL(s.denied(f.interaction))
	}
	return s.show(v, status, screen{Page: "login", Title: "login.title", App: view.App, Switch: true, Body: view})
}

// hostOf is what a person can compare: the host of the app, or the scheme of a native one.
func hostOf(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil {
		return ""
	}
	if u.Host == "" {
		return u.Scheme
	}
	return u.Host
}
