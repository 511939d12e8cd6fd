package smart

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
)

// Settings are the operator's choices: block auth of the configuration file (smart.md 1).
// DefaultSettings gives the defaults.
type Settings struct {
	BackendTokenTTL  time.Duration `yaml:"backendTokenTTL"`  // life of a token without a user, at most 300 s
	AssertionAlgs    []string      `yaml:"assertionAlgs"`    // RS384, ES384; may add ES256, PS256, PS384
	JWKSPrivateHosts []string      `yaml:"jwksPrivateHosts"` // exact host:port of key sets inside the institution's network
	TokenRate        float64       `yaml:"tokenRate"`        // tokens per second and client; 0: no limit
	TokenBurst       int           `yaml:"tokenBurst"`       // tokens at once

	AccessTokenTTL           time.Duration `yaml:"accessTokenTTL"`           // life of a token with a user, at most 1 h
	CodeTTL                  time.Duration `yaml:"codeTTL"`                  // life of a code, at most 60 s
	LaunchTTL                time.Duration `yaml:"launchTTL"`                // life of a launch handle, at most 300 s
	SessionIdle              time.Duration `yaml:"sessionIdle"`              // a login is over after so long without a page
	SessionMax               time.Duration `yaml:"sessionMax"`               // a login is over after so long
	RefreshIdle              time.Duration `yaml:"refreshIdle"`              // a refresh token is over after so long without use
	RefreshMax               time.Duration `yaml:"refreshMax"`               // longest grant that a user can choose
	RefreshGracePublic       time.Duration `yaml:"refreshGracePublic"`       // second use that kills no grant, at most 10 s
	RefreshGraceConfidential time.Duration `yaml:"refreshGraceConfidential"` // the same for clients that authenticate

	DPoP bool `yaml:"dpop"` // tokens may be bound to a key
	PAR  bool `yaml:"par"`  // authorisation requests may be pushed first

	Register bool `yaml:"register"` // apps may register themselves with an initial access token
}

const maxBackendTTL = 300 * time.Second

// day is 24 hours; what a user chooses in days ends at the same time of day in UTC.
const day = 24 * time.Hour

// DefaultSettings returns the defaults of smart.md 1.
func DefaultSettings() Settings {
	return Settings{
		BackendTokenTTL: maxBackendTTL,
		AssertionAlgs:   []string{jose.RS384, jose.ES384},
		TokenRate:       200,
		TokenBurst:      1000,

		AccessTokenTTL:           900 * time.Second,
		CodeTTL:                  60 * time.Second,
		LaunchTTL:                300 * time.Second,
		SessionIdle:              30 * time.Minute,
		SessionMax:               12 * time.Hour,
		RefreshIdle:              90 * day,
		RefreshMax:               365 * day,
		RefreshGraceConfidential: 10 * time.Second,

		DPoP: true,
		PAR:  true,
	}
}

// assertionAlgs are the algorithms that an operator may allow; the first two always are.
func assertionAlgs() []string {
	return []string{jose.RS384, jose.ES384, jose.ES256, jose.PS256, jose.PS384}
}

// Check returns one error that names every setting outside its bounds.
func (s Settings) Check() error {
	var errs []error
	if s.BackendTokenTTL < time.Second || s.BackendTokenTTL > maxBackendTTL {
		errs = append(errs, errors.New("backendTokenTTL must lie between 1s and 300s"))
	}
	if !slices.Contains(s.AssertionAlgs, jose.RS384) || !slices.Contains(s.AssertionAlgs, jose.ES384) {
		errs = append(errs, errors.New("assertionAlgs must hold RS384 and ES384"))
	}
	for _, alg := range s.AssertionAlgs {
		if !slices.Contains(assertionAlgs(), alg) {
			errs = append(errs, fmt.Errorf("assertionAlgs knows only %s", strings.Join(assertionAlgs(), ", ")))
		}
	}
	for _, hostport := range s.JWKSPrivateHosts {
		if host, port, err := net.SplitHostPort(hostport); err != nil || host == "" || port == "" {
			errs = append(errs, errors.New("jwksPrivateHosts takes host:port"))
		}
	}
	if s.TokenRate < 0 || (s.TokenRate > 0 && s.TokenBurst < 1) {
		errs = append(errs, errors.New("tokenRate must not be negative, and needs a tokenBurst of at least 1"))
	}
	return errors.Join(append(errs, s.checkLives()...)...)
}

// checkLives judges the durations of the code flow.
func (s Settings) checkLives() []error {
	lives := []struct {
		name               string
		value, least, most time.Duration
	}{
		{"accessTokenTTL", s.AccessTokenTTL, time.Second, time.Hour},
		{"codeTTL", s.CodeTTL, time.Second, time.Minute},
		{"launchTTL", s.LaunchTTL, time.Second, 300 * time.Second},
		{"sessionIdle", s.SessionIdle, time.Minute, day},
		{"sessionMax", s.SessionMax, s.SessionIdle, 7 * day},
		{"refreshIdle", s.RefreshIdle, time.Hour, 365 * day},
		{"refreshMax", s.RefreshMax, time.Hour, 2 * 365 * day},
		{"refreshGracePublic", s.RefreshGracePublic, 0, 10 * time.Second},
		{"refreshGraceConfidential", s.RefreshGraceConfidential, 0, 10 * time.Second},
	}
	var errs []error
	for _, l := range lives {
		if l.value < l.least || l.value > l.most {
			errs = append(errs, fmt.Errorf("%s must lie between %s and %s", l.name, l.least, l.most))
		}
	}
	return errs
}
