package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
)

type clientKeyCmd struct {
	File string `arg:"" type:"path" help:"Where the private key goes (JWK); must not exist."`
	Alg  string `enum:"ES384,RS384,ES256" default:"ES384" help:"ES384, RS384 or ES256."`
}

// Help shows an example.
func (clientKeyCmd) Help() string {
	return "Example:\n  drieluik client key ehr.jwk.json > ehr.jwks.json\n  drieluik client add --name \"Hospital EHR\" --type backend --org 90000002 --jwks ehr.jwks.json"
}

// Run writes a private key that only its owner reads, and prints its public half as a key set.
func (c clientKeyCmd) Run(s streams) error {
	key, err := jose.GenerateKey(c.Alg)
	if err != nil {
		return err
	}
	public, err := jose.PublicSet(key)
	if err != nil {
		return err
	}
	if err := writeKey(c.File, key); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s\n", public)
	return err
}

// writeKey writes a private key to a file that is not there yet, mode 600.
func writeKey(file string, key *jose.PrivateKey) error {
	secret, err := key.Secret()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists; a key is never overwritten, so name another file", file)
	case err != nil:
		return fmt.Errorf("cannot write %s; check the path", file)
	}
	_, err = f.Write(append(secret, '\n'))
	return errors.Join(err, f.Close())
}

type clientAssertionCmd struct {
	ClientID string `required:"" help:"Client id."`
	Key      string `required:"" type:"path" help:"File with the private key (JWK)."`
	Audience string `required:"" help:"Token URL of the server, such as https://host/auth/token."`
}

// Help shows an example.
func (clientAssertionCmd) Help() string {
	return "Example:\n  curl https://host/auth/token -d grant_type=client_credentials -d scope=system/*.rs \\\n    -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\\n    -d client_assertion=\"$(drieluik client assertion --client-id demo-homecare --key demo-homecare.jwk.json --audience https://host/auth/token)\""
}

// Run prints one assertion.
func (c clientAssertionCmd) Run(s streams) error {
	b, err := os.ReadFile(c.Key)
	if err != nil {
		return fmt.Errorf("cannot read %s; check the path", c.Key)
	}
	text, err := assertion(b, c.ClientID, c.Audience, time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, text)
	return err
}

// assertion signs a client assertion that lives five minutes (RFC 7523).
func assertion(key []byte, client, audience string, now time.Time) (string, error) {
	k, err := jose.ParsePrivateKey(key)
	if err != nil {
		return "", errors.New("the key file is not a usable private JWK")
	}
	return k.SignAssertion(jose.Claims{
		Issuer: client, Subject: client, Audience: audience, ID: newID(),
		IssuedAt: jose.At(now.Unix()), Expires: jose.At(now.Add(5 * time.Minute).Unix()),
	})
}
