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
}

const maxBackendTTL = 300 * time.Second

// DefaultSettings returns the defaults of smart.md 1.
func DefaultSettings() Settings {
	return Settings{
		BackendTokenTTL: maxBackendTTL,
		AssertionAlgs:   []string{jose.RS384, jose.ES384},
		TokenRate:       200,
		TokenBurst:      1000,
	}
}

// assertionAlgs are the algorithms that an operator may allow; the first two always are.
func assertionAlgs() []string {
	return []string{jose.RS384, jose.ES384, jose.ES256, jose.PS256, jose.PS384}
}

func (s Settings) check() error {
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
	return errors.Join(errs...)
}
