// Package upstream logs people in at an OpenID provider of somebody else: code flow with PKCE, state and
// nonce, and an id_token that was checked. It refuses to know accounts, pages and FHIR: who somebody is
// here is decided by who asks. Contract: smart.md 1 (Users).
package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Config is one provider as the operator names it.
type Config struct {
	ID         string   `json:"id"`               // part of the addresses; a-z, 0-9 and -, at most 32
	Name       Name     `json:"name"`             // on the button
	Issuer     string   `json:"issuer"`           // https, or http on loopback
	ClientID   string   `json:"clientId"`         // of this server, at the provider
	SecretFile string   `json:"clientSecretFile"` // the secret; or
	KeyFile    string   `json:"privateKeyFile"`   // a private JWK, for private_key_jwt
	Scopes     []string `json:"scopes"`           // beside openid
	ACRMin     []string `json:"acrMin"`           // accepted levels of authentication; none: any
	Match      *Match   `json:"match"`            // how a person is found; none: by bound subjects alone
	OrgClaim   string   `json:"orgClaim"`         // names the organisation of a professional
}

// Name is the name of a provider in the languages of the pages.
type Name struct {
	NL string `json:"nl"`
	SV string `json:"sv"`
	EN string `json:"en"`
}

// In returns the name in a language.
func (n Name) In(lang string) string {
	return map[string]string{"nl": n.NL, "sv": n.SV, "en": n.EN}[lang]
}

// Match says which claim is which identifier.
type Match struct {
	Claim  string `json:"claim"`
	System string `json:"system"` // of the identifiers of RelatedPerson, Person, Practitioner, Patient
}

// Parse reads the file of providers: a JSON array. It reports every fault at once.
func Parse(src []byte) ([]Config, error) {
	d := json.NewDecoder(bytes.NewReader(src))
	d.DisallowUnknownFields()
	var list []Config
	if err := d.Decode(&list); err != nil || d.More() {
		return nil, errors.New("upstream: the file is not one JSON array of providers with known members alone")
	}
	var faults []error
	seen := map[string]bool{}
	for i, c := range list {
		for _, fault := range c.faults() {
			faults = append(faults, fmt.Errorf("upstream[%d].%s", i, fault))
		}
		if seen[c.ID] {
			faults = append(faults, fmt.Errorf("upstream[%d].id stands twice", i))
		}
		seen[c.ID] = true
	}
	return list, errors.Join(faults...)
}

func (c Config) faults() []string {
	var out []string
	for _, rule := range []struct {
		ok   bool
		text string
	}{
		{isID(c.ID), "id needs 1 to 32 of a-z 0-9 -, beginning with a letter or digit"},
		{isName(c.Name.NL) && isName(c.Name.SV) && isName(c.Name.EN), "name needs nl, sv and en of at most 60 characters"},
		{secure(c.Issuer), "issuer needs an https URL without query and fragment; http is for loopback alone"},
		{c.ClientID != "", "clientId is required"},
		{(c.SecretFile == "") != (c.KeyFile == ""), "clientSecretFile or privateKeyFile: give exactly one"},
		{!slices.ContainsFunc(c.Scopes, func(s string) bool { return s == "" || strings.ContainsAny(s, " \t\"\\") }), "scopes holds a blank or empty one"},
		{!slices.Contains(c.ACRMin, ""), "acrMin holds an empty value"},
		{c.Match == nil || c.Match.Claim != "" && c.Match.System != "", "match needs claim and system"},
	} {
		if !rule.ok {
			out = append(out, rule.text)
		}
	}
	return out
}

func isID(s string) bool {
	return len(s) > 0 && len(s) <= 32 && s[0] != '-' && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
}

func isName(s string) bool {
	return strings.TrimSpace(s) != "" && len([]rune(s)) <= 60 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}

// secure reports whether nobody between can read or change what goes to an address.
func secure(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}
