package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/auth/upstream"
	"github.com/drieluik/drieluik/fhir/store"
)

// authBlock is the member auth of a --config file: what the authorisation server can be told beside the
// flags (smart.md 1).
type authBlock struct {
	smart.Settings `yaml:",inline"`
	Clients        string `yaml:"clients,omitempty"`  // a clients.json, imported at each start
	Upstream       []any  `yaml:"upstream,omitempty"` // as the file of --upstream
	// SecretFile holds the 32 bytes under which signing keys are sealed; "": secret.key of the data
	// folder, which is made.
	SecretFile string `yaml:"secretFile,omitempty"`

	given bool
}

// wholeDays are durations that Go does not read.
var wholeDays = regexp.MustCompile(`^[0-9]{1,5}d$`)

// UnmarshalText reads the block: YAML with known members alone, on top of the defaults.
func (b *authBlock) UnmarshalText(text []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return errors.New("auth: is not a map of settings")
	}
	for _, n := range doc.Content[0].Content {
		if wholeDays.MatchString(n.Value) {
			days, err := strconv.Atoi(n.Value[:len(n.Value)-1])
			if err != nil {
				return errors.New("auth: a number of days is too large")
			}
			n.Value = (time.Duration(days) * 24 * time.Hour).String()
		}
	}
	plain, err := yaml.Marshal(&doc)
	if err != nil {
		return errors.New("auth: is not a map of settings")
	}
	out := authBlock{Settings: smart.DefaultSettings(), given: true}
	d := yaml.NewDecoder(bytes.NewReader(plain))
	d.KnownFields(true)
	if err := d.Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		var wrong *yaml.TypeError
		if errors.As(err, &wrong) && len(wrong.Errors) > 0 {
			return fmt.Errorf("auth: %s", wrong.Errors[0])
		}
		return errors.New("auth: a setting has the wrong form")
	}
	*b = out
	return nil
}

// auth returns the settings of the authorisation server: the block, and the flags. What either switches off
// is off.
func (s settings) auth() smart.Settings {
	out := smart.DefaultSettings()
	if s.Auth.given {
		out = s.Auth.Settings
	}
	out.DPoP, out.PAR, out.Register = out.DPoP && s.DPoP, out.PAR && s.PAR, out.Register || s.Register
	return out
}

// upstreams are the providers of --upstream and of the block.
func (s settings) upstreams() ([]upstream.Config, error) {
	var list []upstream.Config
	if s.Upstream != "" {
		src, err := os.ReadFile(s.Upstream)
		if err != nil {
			return nil, errors.New("upstream: the file cannot be read; check the path")
		}
		if list, err = upstream.Parse(src); err != nil {
			return nil, err
		}
	}
	if len(s.Auth.Upstream) == 0 {
		return list, nil
	}
	if len(list) > 0 {
		return nil, errors.New("upstream: give a file or auth.upstream, not both")
	}
	src, err := json.Marshal(s.Auth.Upstream)
	if err != nil {
		return nil, errors.New("auth.upstream: is not a list of providers")
	}
	return upstream.Parse(src)
}

// importClients registers the clients of the block, as client import does.
func (a *app) importClients(ctx context.Context) error {
	path := a.settings.Auth.Clients
	if path == "" {
		return nil
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return errors.New("auth.clients: the file cannot be read; check the path")
	}
	if _, err := a.clients.Import(ctx, src); skewed(err) {
		return err // what came before it stays as it is
	} else if err != nil {
		return fmt.Errorf("auth.clients: %w", plainError(err))
	}
	return nil
}

// errNoSecret says that a store without a folder has no place for the secret.
var errNoSecret = errors.New("with PostgreSQL, name a file with 32 random bytes (openssl rand 32), the same for every process")

// secret returns the 32 bytes that open the signing keys. A file that is named must be there, and be its
// owner's alone; that of the data folder is made when it is not there.
func (s settings) secret() ([]byte, error) {
	if path := cmp.Or(s.SecretFile, s.Auth.SecretFile); path != "" {
		info, err := os.Stat(path)
		if err != nil {
			return nil, errors.New("auth.secretFile: the file cannot be read; check the path")
		}
		if !isPrivate(info) {
			return nil, errors.New("auth.secretFile: others may read the file; chmod 600 it")
		}
		secret, err := os.ReadFile(path)
		if err != nil || len(secret) != 32 {
			return nil, errors.New("auth.secretFile: the file must hold 32 random bytes, such as: openssl rand 32")
		}
		return secret, nil
	}
	if store.IsPostgres(s.Store) {
		return nil, errors.New("secret-file: " + errNoSecret.Error())
	}
	path := filepath.Join(strings.TrimPrefix(s.Store, "sqlite:"), "secret.key")
	secret, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		secret = make([]byte, 32)
		rand.Read(secret) // crypto/rand.Read never fails
		err = os.WriteFile(path, secret, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("the secret file of the data folder: %w", err)
	}
	return secret, nil
}
