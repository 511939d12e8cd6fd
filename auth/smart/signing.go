package smart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/fhir"
)

// Life of a signing key (smart.md 3.4).
const (
	keyActive   = 90 * day         // until the next one takes its place
	keyAnnounce = day              // published before its first signature
	keyLinger   = day              // published after its last signature
	keyMemory   = 30 * time.Second // how late a process sees the change of another
)

// States of a signing key. A deleted key is gone.
const (
	KeyNext    = "next"
	KeyActive  = "active"
	KeyRetired = "retired"
)

const (
	keysSetting = "signing-keys"
	keySeal     = "signing-key "
)

// KeysConfig is what Keys is made of. Every member is required.
type KeysConfig struct {
	Store  SettingStore
	Secret []byte // 32 bytes of the secret file, under which private keys are sealed
	Clock  func() time.Time
	Random io.Reader
	Log    *slog.Logger
}

// Keys holds the keys of the id_token. They change by themselves. It is safe for concurrent use.
type Keys struct {
	c KeysConfig

	mu   sync.Mutex
	ring []signingKey
	read time.Time // when ring was read
}

// KeyInfo is a signing key as the operator sees it.
type KeyInfo struct {
	ID    string
	State string    // next, active, retired
	Since time.Time // when it came into that state
}

// signingKey is a key as it is kept.
type signingKey struct {
	ID     string    `json:"kid"`
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
	Sealed []byte    `json:"sealed"`

	key *jose.PrivateKey
}

// NewKeys returns the keys over the store. Nothing is read or made yet; Prepare does that.
func NewKeys(c KeysConfig) (*Keys, error) {
	if c.Store == nil || c.Clock == nil || c.Random == nil || c.Log == nil {
		return nil, errors.New("smart.NewKeys: every member of KeysConfig is required")
	}
	if len(c.Secret) != 32 {
		return nil, errors.New("smart.NewKeys: the secret must have 32 bytes")
	}
	return &Keys{c: c}, nil
}

// Prepare makes the first keys and every change that is due. A server calls it at its start, so that
// no request waits for a new key, and may call it each hour.
func (k *Keys) Prepare(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read = time.Time{}
	_, err := k.current(ctx)
	return fhir.Wrap("smart.Keys.Prepare", err)
}

// List returns the keys, the active one first.
func (k *Keys) List(ctx context.Context) ([]KeyInfo, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ring, err := k.current(ctx)
	if err != nil {
		return nil, fhir.Wrap("smart.Keys.List", err)
	}
	out := make([]KeyInfo, len(ring))
	for i, s := range ring {
		out[i] = KeyInfo{ID: s.ID, State: s.State, Since: s.Since}
	}
	return out, nil
}

// Rotate puts the next key into use. Conflict when it was published for less than a day: apps may not
// know it yet. With atOnce a new key is used and every other one is unpublished, as after a theft, or when the
// secret that opens them is lost.
func (k *Keys) Rotate(ctx context.Context, atOnce bool) error {
	const op = "smart.Keys.Rotate"
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read = time.Time{}
	now := k.c.Clock().UTC()
	var ring []signingKey
	var err error
	if !atOnce {
		if ring, err = k.current(ctx); err != nil {
			return fhir.Wrap(op, err)
		}
		next := slices.IndexFunc(ring, func(s signingKey) bool { return s.State == KeyNext })
		if next < 0 || now.Sub(ring[next].Since) < keyAnnounce {
			return fhir.Errorf(fhir.Conflict, op, "conflict", "keys.young", "The next key was published less than 24 hours ago: wait, or use --now.")
		}
		ring = promoted(ring, now)
	}
	if ring, err = k.completed(ring, now); err != nil {
		return fhir.Wrap(op, err)
	}
	return fhir.Wrap(op, k.save(ctx, ring))
}

// sign returns the compact JWS of an id_token's claims under the active key.
func (k *Keys) sign(ctx context.Context, payload []byte) (string, error) {
	k.mu.Lock()
	ring, err := k.current(ctx)
	k.mu.Unlock()
	if err != nil {
		return "", err
	}
	return ring[0].key.Sign(map[string]string{"typ": "JWT"}, payload)
}

// publicSet returns the JWKS of every published key.
func (k *Keys) publicSet(ctx context.Context) ([]byte, error) {
	k.mu.Lock()
	ring, err := k.current(ctx)
	k.mu.Unlock()
	if err != nil {
		return nil, err
	}
	keys := make([]*jose.PrivateKey, len(ring))
	for i, s := range ring {
		keys[i] = s.key
	}
	return jose.PublicSet(keys...)
}

// current returns the ring as of now, the active key first: read again when it is old, changed and
// saved when a change is due. The caller holds the lock.
func (k *Keys) current(ctx context.Context) ([]signingKey, error) {
	now := k.c.Clock().UTC()
	if age := now.Sub(k.read); len(k.ring) > 0 && age >= 0 && age < keyMemory {
		return k.ring, nil
	}
	ring, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	before := infoOf(ring)
	ring = aged(ring, now)
	if ring, err = k.completed(ring, now); err != nil {
		return nil, err
	}
	if !slices.Equal(before, infoOf(ring)) {
		return ring, k.save(ctx, ring)
	}
	k.ring, k.read = ring, now
	return ring, nil
}

// infoOf is what tells two rings apart.
func infoOf(ring []signingKey) []string {
	out := make([]string, len(ring))
	for i, s := range ring {
		out[i] = s.State + " " + s.ID
	}
	return out
}

// aged drops what lingered long enough and promotes the next key when the active one is old.
func aged(ring []signingKey, now time.Time) []signingKey {
	ring = slices.DeleteFunc(slices.Clone(ring), func(s signingKey) bool {
		return s.State == KeyRetired && now.Sub(s.Since) >= keyLinger
	})
	old := slices.ContainsFunc(ring, func(s signingKey) bool { return s.State == KeyActive && now.Sub(s.Since) >= keyActive })
	ready := slices.ContainsFunc(ring, func(s signingKey) bool { return s.State == KeyNext && now.Sub(s.Since) >= keyAnnounce })
	if old && ready {
		return promoted(ring, now)
	}
	return ring
}

// promoted retires the active key and puts the next one into use.
func promoted(ring []signingKey, now time.Time) []signingKey {
	ring = slices.Clone(ring)
	for i := range ring {
		switch ring[i].State {
		case KeyActive:
			ring[i].State, ring[i].Since = KeyRetired, now
		case KeyNext:
			ring[i].State, ring[i].Since = KeyActive, now
		}
	}
	return ring
}

// completed makes the active and the next key where they are missing, and sorts.
func (k *Keys) completed(ring []signingKey, now time.Time) ([]signingKey, error) {
	for _, state := range []string{KeyActive, KeyNext} {
		if slices.ContainsFunc(ring, func(s signingKey) bool { return s.State == state }) {
			continue
		}
		key, err := jose.GenerateKey(jose.RS256)
		if err != nil {
			return nil, err
		}
		ring = append(ring, signingKey{ID: key.KeyID(), State: state, Since: now, key: key})
	}
	order := []string{KeyActive, KeyNext, KeyRetired}
	slices.SortStableFunc(ring, func(a, b signingKey) int {
		return slices.Index(order, a.State) - slices.Index(order, b.State)
	})
	return ring, nil
}

func (k *Keys) load(ctx context.Context) ([]signingKey, error) {
	value, found, err := k.c.Store.Setting(ctx, keysSetting)
	if err != nil {
		return nil, unavailable("smart.Keys.load", err)
	}
	if !found {
		return nil, nil
	}
	var ring []signingKey
	if err := json.Unmarshal(value, &ring); err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	for i := range ring {
		var secret json.RawMessage
		if err := open(Secret(k.c.Secret), keySeal+ring[i].ID, ring[i].Sealed, &secret); err != nil {
			return nil, fmt.Errorf("signing keys: the secret file is not the one they were sealed with: %w", err)
		}
		if ring[i].key, err = jose.ParsePrivateKey(secret); err != nil {
			return nil, fmt.Errorf("signing keys: %w", err)
		}
	}
	return ring, nil
}

func (k *Keys) save(ctx context.Context, ring []signingKey) error {
	for i := range ring {
		if len(ring[i].Sealed) > 0 {
			continue
		}
		secret, err := ring[i].key.Secret()
		if err != nil {
			return err
		}
		if ring[i].Sealed, err = seal(k.c.Random, Secret(k.c.Secret), keySeal+ring[i].ID, json.RawMessage(secret)); err != nil {
			return err
		}
	}
	value, err := json.Marshal(ring)
	if err != nil {
		return fmt.Errorf("signing keys: %w", err)
	}
	if err := k.c.Store.SaveSetting(ctx, keysSetting, value); err != nil {
		return unavailable("smart.Keys.save", err)
	}
	k.ring, k.read = ring, k.c.Clock().UTC()
	k.c.Log.LogAttrs(ctx, slog.LevelInfo, "key_rotated", slog.String("outcome", "ok"), slog.String("kid", ring[0].ID))
	return nil
}
