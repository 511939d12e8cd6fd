package smart

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// SettingStore keeps settings in the main store; fhir/store implements it.
type SettingStore interface {
	// Setting returns the value of a key; false when there is none.
	Setting(ctx context.Context, key string) ([]byte, bool, error)
	// Settings returns all values whose key has the prefix, by key.
	Settings(ctx context.Context, prefix string) (map[string][]byte, error)
	// SaveSetting writes a value and returns after it is durable.
	SaveSetting(ctx context.Context, key string, value []byte) error
}

// RegistryConfig is what a Registry is made of. Every member is required.
type RegistryConfig struct {
	Store  SettingStore
	Clock  func() time.Time
	Random io.Reader
	Log    *slog.Logger
	// RegisterOrganization creates or updates the Organization of a client as the operator's act.
	RegisterOrganization func(context.Context, Organization) (OrganizationRecord, error)
}

// Registry holds the clients. Every look-up reads the store, so that a change acts on the next
// request of every process. It is safe for concurrent use.
type Registry struct {
	c RegistryConfig

	mu     sync.Mutex
	parsed map[string]parsedClient // by client id
}

// parsedClient remembers what a stored record meant, to be used as long as its bytes are the same.
type parsedClient struct {
	src    []byte
	client *registered
}

const clientPrefix = "client/"

// NewRegistry returns the registry over the store.
func NewRegistry(c RegistryConfig) (*Registry, error) {
	if c.Store == nil || c.Clock == nil || c.Random == nil || c.Log == nil || c.RegisterOrganization == nil {
		return nil, errors.New("smart.NewRegistry: every member of RegistryConfig is required")
	}
	return &Registry{c: c, parsed: map[string]parsedClient{}}, nil
}

// Added is a new registration. Secret is shown once; it is empty without a symmetric method.
type Added struct {
	Client Client
	Secret Secret
}

// Add registers a new client. An absent id is generated, absent method, grants and status follow
// from the type, and a client with a symmetric method gets a new secret. Unprocessable with every
// fault, Conflict when the id is taken.
func (r *Registry) Add(ctx context.Context, c Client) (Added, error) {
	const op = "smart.Registry.Add"
	added, err := r.completed(c.withDefaults())
	if err != nil {
		return Added{}, fhir.Wrap(op, err)
	}
	c = added.Client
	if issues := checkClient("", c); len(issues) > 0 {
		return Added{}, &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: issues}
	}
	if _, found, err := r.lookup(ctx, c.ID); err != nil || found {
		if err == nil {
			err = fhir.Errorf(fhir.Conflict, op, "duplicate", "client.client_id", "This client_id is registered already: choose another, or use client import to replace it.")
		}
		return Added{}, fhir.Wrap(op, err)
	}
	record, err := r.prepare(ctx, c)
	if err != nil {
		return Added{}, fhir.Wrap(op, err)
	}
	if err := r.save(ctx, record, "registered"); err != nil {
		return Added{}, fhir.Wrap(op, err)
	}
	return added, nil
}

// completed gives a client its id and secret, where it has none and needs one.
func (r *Registry) completed(c Client) (Added, error) {
	if c.ID == "" {
		id, err := newSecret(r.c.Random, prefixClient, 16)
		if err != nil {
			return Added{}, err
		}
		c.ID = id.Reveal()
	}
	if !usesSecret(c) || len(c.SecretHashes) > 0 {
		return Added{Client: c}, nil
	}
	secret, err := newSecret(r.c.Random, prefixSecret, secretBytes)
	if err != nil {
		return Added{}, err
	}
	c.SecretHashes = []string{hexHash(secret)}
	return Added{Client: c, Secret: secret}, nil
}

// Import registers or replaces all clients of a clients.json, their Organizations first.
// Unprocessable with every fault of the file, and then nothing is written. A failure of the store
// may leave a part written; running the import again completes it.
func (r *Registry) Import(ctx context.Context, src []byte) (int, error) {
	const op = "smart.Registry.Import"
	clients, issues := parseClients(src)
	if fhir.HasErrors(issues) {
		return 0, &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: issues}
	}
	records := make([]*registered, len(clients))
	for i, c := range clients {
		record, err := r.prepare(ctx, c)
		if err != nil {
			return 0, fhir.Wrap(op, err)
		}
		records[i] = record
	}
	for _, record := range records {
		if err := r.save(ctx, record, "registered"); err != nil {
			return 0, fhir.Wrap(op, err)
		}
	}
	return len(records), nil
}

// prepare writes the Organization of a checked client and returns the record to save.
func (r *Registry) prepare(ctx context.Context, c Client) (*registered, error) {
	org, err := r.c.RegisterOrganization(ctx, organizationOf(c))
	if err != nil {
		return nil, fmt.Errorf("organisation of the client: %w", err)
	}
	return &registered{Client: c, OrganizationRef: org.Ref.Current().String(), OrganizationStored: org.Name}, nil
}

func (r *Registry) save(ctx context.Context, c *registered, what string, by ...slog.Attr) error {
	c.Changed = r.c.Clock().UTC()
	value, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("client record: %w", err)
	}
	if err := r.c.Store.SaveSetting(ctx, clientPrefix+c.ID, value); err != nil {
		return fmt.Errorf("client record: %w", err)
	}
	r.c.Log.LogAttrs(ctx, slog.LevelInfo, "client_changed", append([]slog.Attr{
		slog.String("outcome", what), slog.String("client_id", c.ID), slog.String("organization", c.OrganizationRef),
	}, by...)...)
	return nil
}

// List returns all clients in the order of their ids.
func (r *Registry) List(ctx context.Context) ([]Client, error) {
	const op = "smart.Registry.List"
	values, err := r.c.Store.Settings(ctx, clientPrefix)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	clients := make([]Client, 0, len(values))
	for _, value := range values {
		c, err := decodeRegistered(value)
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		clients = append(clients, c.Client)
	}
	slices.SortFunc(clients, func(a, b Client) int { return strings.Compare(a.ID, b.ID) })
	return clients, nil
}

// Show returns one client; NotFound when there is none of that id.
func (r *Registry) Show(ctx context.Context, id string) (Client, error) {
	c, err := r.existing(ctx, "smart.Registry.Show", id)
	if err != nil {
		return Client{}, err
	}
	return c.Client, nil
}

// Disable takes a client out of use: its tokens die on the next request.
func (r *Registry) Disable(ctx context.Context, id string) error {
	return r.setStatus(ctx, "smart.Registry.Disable", id, StatusDisabled)
}

// Enable takes a client into use again. Its tokens that are not over live again.
func (r *Registry) Enable(ctx context.Context, id string) error {
	return r.setStatus(ctx, "smart.Registry.Enable", id, StatusActive)
}

func (r *Registry) setStatus(ctx context.Context, op, id, status string) error {
	c, err := r.existing(ctx, op, id)
	if err != nil {
		return err
	}
	changed := *c
	changed.Status = status
	return fhir.Wrap(op, r.save(ctx, &changed, status))
}

// Rotation says what Rotate puts in place. A client with private_key_jwt gets a new key set or
// address, one with a symmetric method a new secret.
type Rotation struct {
	JWKS    []byte
	JWKSURI string
	Now     bool // the old secret ends at once instead of after 24 hours
}

// secretOverlap is how long an old secret stays valid after Rotate.
const secretOverlap = 24 * time.Hour

// Rotate replaces the credentials of a client. The new secret is returned once.
func (r *Registry) Rotate(ctx context.Context, id string, how Rotation) (Secret, error) {
	const op = "smart.Registry.Rotate"
	c, err := r.existing(ctx, op, id)
	if err != nil {
		return "", err
	}
	changed := *c
	var secret Secret
	if usesSecret(c.Client) {
		secret, err = newSecret(r.c.Random, prefixSecret, secretBytes)
		if err != nil {
			return "", fhir.Wrap(op, err)
		}
		changed.rotateSecret(secret, r.c.Clock(), how.Now)
	}
	if len(how.JWKS) > 0 || how.JWKSURI != "" {
		changed.JWKS, changed.JWKSURI = how.JWKS, how.JWKSURI
	} else if !usesSecret(c.Client) {
		return "", fhir.Errorf(fhir.Unprocessable, op, "required", "client.jwks", "Give the new key set: this client has no secret to replace.")
	}
	if issues := checkClient("", changed.Client); len(issues) > 0 {
		return "", &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: issues}
	}
	if err := r.save(ctx, &changed, "rotated"); err != nil {
		return "", fhir.Wrap(op, err)
	}
	return secret, nil
}

func (c *registered) rotateSecret(secret Secret, now time.Time, atOnce bool) {
	hashes := []string{hexHash(secret)}
	if !atOnce && len(c.SecretHashes) > 0 {
		hashes = append(hashes, c.SecretHashes[0])
		c.SecretUntil = now.Add(secretOverlap).UTC()
	}
	c.SecretHashes = hashes
}

func hexHash(s Secret) string {
	h := s.hash()
	return hex.EncodeToString(h[:])
}

func (r *Registry) existing(ctx context.Context, op, id string) (*registered, error) {
	c, found, err := r.lookup(ctx, id)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	if !found {
		return nil, fhir.Errorf(fhir.NotFound, op, "not-found", "client.client_id", "No client has this id; client list shows them.")
	}
	return c, nil
}

// lookup reads one client from the store; Unavailable when that fails. The result is shared and
// must not be changed.
func (r *Registry) lookup(ctx context.Context, id string) (*registered, bool, error) {
	const op = "smart.Registry.lookup"
	if !isClientID(id) {
		return nil, false, nil
	}
	src, found, err := r.c.Store.Setting(ctx, clientPrefix+id)
	if err != nil {
		return nil, false, &fhir.Error{Kind: fhir.Unavailable, Op: op, Err: err}
	}
	if !found {
		return nil, false, nil
	}
	r.mu.Lock()
	known := r.parsed[id]
	r.mu.Unlock()
	if known.client != nil && bytes.Equal(known.src, src) {
		return known.client, true, nil
	}
	c, err := decodeRegistered(src)
	if err != nil {
		return nil, false, fhir.Wrap(op, err)
	}
	r.mu.Lock()
	r.parsed[id] = parsedClient{src: bytes.Clone(src), client: c}
	r.mu.Unlock()
	return c, true, nil
}
