package smart

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Cookies (smart.md 5.1). Chromium takes them on http://127.0.0.1 too.
const (
	cookieBrowser  = "__Host-drl_b"
	cookieSession  = "__Host-drl_s"
	cookieLanguage = "__Host-drl_l"
)

// acrPassword is the authentication context of a local login (SMART-411), acrUpstream that of a login
// elsewhere whose provider says none.
const (
	acrPassword = "urn:drieluik:acr:password"
	acrUpstream = "urn:drieluik:acr:upstream"
)

// sessionRecord is a login as it is kept, for SessionMax at most.
type sessionRecord struct {
	Subject string    `json:"subject"`
	At      time.Time `json:"auth_time"`
	End     time.Time `json:"end"`
	ACR     string    `json:"acr"`
}

// session is the live login of a browser.
type session struct {
	sessionRecord
	secret Secret // cookie
	who    *account
}

// id is how grants and interactions name a session; it opens nothing.
func (s *session) id() string {
	h := s.secret.hash()
	return hex.EncodeToString(h[:])
}

// idleKey is where the idle time of a session runs. It stands apart, so that a renewal can never
// bring back a session that a logout ended meanwhile.
func idleKey(secret Secret) [32]byte { return sha256.Sum256([]byte("idle\x00" + secret.Reveal())) }

// session returns the live session of the browser and renews its idle time; nil when there is none.
func (s *Server) session(ctx context.Context, r *http.Request) (*session, error) {
	secret := cookie(r, cookieSession, prefixSession)
	if secret == "" {
		return nil, nil
	}
	record, err := s.sessionOf(ctx, secret.hash())
	if err != nil || record == nil {
		return nil, err
	}
	if _, err := s.state.Get(ctx, kindSession, idleKey(secret)); err != nil {
		return nil, absent(err)
	}
	who, err := s.users.bySubject(ctx, record.Subject)
	if err != nil || who == nil || !who.active() {
		return nil, err
	}
	if err := s.touch(ctx, secret); err != nil {
		return nil, err
	}
	return &session{sessionRecord: *record, secret: secret, who: who}, nil
}

// sessionOf returns the record under a hash, nil when it is over.
func (s *Server) sessionOf(ctx context.Context, hash [32]byte) (*sessionRecord, error) {
	value, err := s.state.Get(ctx, kindSession, hash)
	if err != nil {
		return nil, absent(err)
	}
	var record sessionRecord
	if err := json.Unmarshal(value, &record); err != nil {
		return nil, err
	}
	return &record, nil
}

// absent makes NotFound of the state no error.
func absent(err error) error {
	if err != nil && fhir.KindOf(err) == fhir.NotFound {
		return nil
	}
	return err
}

func (s *Server) touch(ctx context.Context, secret Secret) error {
	return s.state.Put(ctx, kindSession, idleKey(secret), []byte("1"), s.settings.SessionIdle)
}

// startSession logs an account in under a new cookie; a session that the browser had ends. acr and at say
// how and when the person proved who it is.
func (s *Server) startSession(v *visit, who *account, acr string, at time.Time) (*session, error) {
	if old := cookie(v.r, cookieSession, prefixSession); old != "" {
		if err := s.endSession(v.ctx(), old); err != nil {
			return nil, err
		}
	}
	secret, err := newSecret(s.random, prefixSession, secretBytes)
	if err != nil {
		return nil, err
	}
	now := s.clock().UTC()
	record := sessionRecord{Subject: who.Subject, At: at.UTC(), End: now.Add(s.settings.SessionMax), ACR: acr}
	value, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	if err := s.state.Put(v.ctx(), kindSession, secret.hash(), value, s.settings.SessionMax); err != nil {
		return nil, err
	}
	if err := s.touch(v.ctx(), secret); err != nil {
		return nil, err
	}
	setCookie(v.w, cookieSession, secret.Reveal(), 0)
	s.logVisit(v, slog.LevelInfo, "login_ok", slog.String("outcome", "ok"), slog.String("user", who.FHIRUser))
	return &session{sessionRecord: record, secret: secret, who: who}, nil
}

// endSession ends a login, and with it every grant for "only now".
func (s *Server) endSession(ctx context.Context, secret Secret) error {
	_, err := s.state.Take(ctx, kindSession, secret.hash())
	return absent(err)
}

// logout shows and does the end of a session. It leads nowhere else.
func (s *Server) logout(v *visit) error {
	current, err := s.session(v.ctx(), v.r)
	if err != nil {
		return err
	}
	if current == nil {
		return s.show(v, http.StatusOK, screen{Page: "logout", Title: "logout.title", Switch: true, Body: logoutView{Message: "logout.not"}})
	}
	if v.r.Method != http.MethodPost {
		return s.show(v, http.StatusOK, screen{Page: "logout", Title: "logout.title", Switch: true, Login: current.who.Login,
			Body: logoutView{CSRF: csrfField(current.secret, "", "logout")}})
	}
	if !v.sameForm(current.secret, "", "logout") {
		return forged()
	}
	if err := s.endSession(v.ctx(), current.secret); err != nil {
		return err
	}
	s.endStaffSession(v.ctx(), current)
	setCookie(v.w, cookieSession, "", -1)
	s.logVisit(v, slog.LevelInfo, "logout", slog.String("outcome", "ok"), slog.String("user", current.who.FHIRUser))
	return s.show(v, http.StatusOK, screen{Page: "logout", Title: "logout.title", Switch: true, Body: logoutView{Message: "logout.done"}})
}

type logoutView struct {
	CSRF    string // empty: nothing to send
	Message string // key of what is to be said
}

// cookie returns the value of a cookie when it has the form of ours.
func cookie(r *http.Request, name, prefix string) Secret {
	c, err := r.Cookie(name)
	if err != nil || !Secret(c.Value).is(prefix) {
		return ""
	}
	return Secret(c.Value)
}

// setCookie sets a cookie of this origin alone. maxAge in seconds; 0: until the browser closes.
func setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// csrfField binds a form to the browser or session, the interaction and the step.
func csrfField(key Secret, interaction, step string) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte("csrf\x00" + interaction + "\x00" + step))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// sameForm reports whether a POST carries the field of its form.
func (v *visit) sameForm(key Secret, interaction, step string) bool {
	return hmac.Equal([]byte(v.value("csrf")), []byte(csrfField(key, interaction, step)))
}
