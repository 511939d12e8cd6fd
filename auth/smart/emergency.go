package smart

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/drieluik/drieluik/auth"
)

// Bounds of an emergency (access.md 3.9, SMART-115).
const (
	emergencyLongest = 4 * time.Hour
	reasonLeast      = 10 // characters
	reasonMost       = 500
	reasonSeal       = "reason"
)

// isEmergency reports whether a purpose of use is one that breaks the glass.
func isEmergency(purpose string) bool { return purpose == "BTG" || purpose == "ETREAT" }

// glassRecord is the time of an emergency. Its reason is in somebody's own words, that may name a child:
// it is kept under the code and the token alone, and said by the log of accesses.
type glassRecord struct {
	At  time.Time `json:"at"`
	Exp time.Time `json:"exp"`
}

// breakGlass makes the grant one of an emergency, that ends with it.
func (g *grantRecord) breakGlass(b *auth.BreakGlass) {
	if b == nil {
		return
	}
	if b.Exp.Before(g.End) {
		g.End = b.Exp
	}
	g.BTG, g.reason = &glassRecord{At: b.At, Exp: b.Exp}, b.Reason
}

// glass is the emergency of a token, nil without one.
func (a *accessRecord) glass() *auth.BreakGlass {
	if a.grant.BTG == nil {
		return nil
	}
	return &auth.BreakGlass{Reason: a.reason, At: a.grant.BTG.At, Exp: a.grant.BTG.Exp}
}

// openReason reads the reason of an emergency with the token that brings it.
func (a *accessRecord) openReason(token Secret) error {
	if len(a.Reason) == 0 {
		return nil
	}
	return open(token, reasonSeal, a.Reason, &a.reason)
}

// emergencyView is the screen on which a professional says why a record must be opened now.
type emergencyView struct {
	Ixn, CSRF, App, Org string
	What                []string
	Problem             string // key
	Reason              string // as it was typed
	Minutes             string
}

// emergency asks for a reason. Until it is given no record is looked at, not even that of a launch, and
// no registration spares the screen.
func (s *Server) emergency(v *visit, f *flow, o *offer) error {
	if v.r.Method != http.MethodPost {
		return s.showEmergency(v, f, o, "", "")
	}
	if !v.sameForm(f.session.secret, f.id.Reveal(), "emergency") {
		return forged()
	}
	if v.value("decision") != "allow" {
		return s.refused(v, f)
	}
	reason := reasonOf(v.value("reason"))
	if n := utf8.RuneCountInString(reason); n < reasonLeast || n > reasonMost {
		return s.showEmergency(v, f, o, reason, "emergency.short")
	}
	now := s.clock().UTC()
	f.glass = &auth.BreakGlass{Reason: reason, At: now, Exp: now.Add(emergencyLongest)}
	seen, err := s.launchedPatient(v, f)
	if err != nil {
		return err
	}
	return s.openApp(v, f, o, seen)
}

// reasonOf leaves the words of a reason: no character that hides or turns text, and single blanks.
func reasonOf(text string) string {
	shown := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, strings.Join(strings.Fields(text), " "))
	return strings.Join(strings.Fields(shown), " ") // what hid stood between blanks
}

func (s *Server) showEmergency(v *visit, f *flow, o *offer, reason, problem string) error {
	view := emergencyView{
		Ixn: f.id.Reveal(), CSRF: csrfField(f.session.secret, f.id.Reveal(), "emergency"),
		App: f.client.appName(v.lang), Org: f.client.organizationText(), What: staffWhat(v, o),
		Problem: problem, Reason: reason, Minutes: strconv.Itoa(int(s.settings.AccessTokenTTL.Minutes())),
	}
	return s.show(v, http.StatusOK, screen{Page: "emergency", Title: "emergency.title", App: view.App, Login: f.session.who.Login, Switch: true, Body: view})
}
