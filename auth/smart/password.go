package smart

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// Parameters of argon2id (smart.md 1).
const (
	hashMemory  = 64 << 10 // KiB
	hashTime    = 3
	hashThreads = 4
	hashSalt    = 16
	hashTag     = 32
)

// At most hashesAtOnce run, because each takes 64 MiB; hashQueue more may wait.
const (
	hashesAtOnce = 4
	hashQueue    = 64
)

var errBusy = errors.New("too many logins at once")

// hasher runs argon2id within its limits.
type hasher struct {
	memory, passes uint32
	running        chan struct{}
	inside         atomic.Int64 // running and waiting
}

func newHasher() *hasher {
	return &hasher{memory: hashMemory, passes: hashTime, running: make(chan struct{}, hashesAtOnce)}
}

// head begins every kept text: another head is another cost, and does not match.
func (h *hasher) head() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, h.memory, h.passes, hashThreads)
}

// tag returns the argon2id tag; errBusy when the queue is full.
func (h *hasher) tag(ctx context.Context, password Secret, salt []byte) ([]byte, error) {
	defer h.inside.Add(-1)
	if h.inside.Add(1) > hashesAtOnce+hashQueue {
		return nil, errBusy
	}
	select {
	case h.running <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.running }()
	return argon2.IDKey([]byte(password.Reveal()), salt, h.passes, h.memory, hashThreads, hashTag), nil
}

// hash returns the text under which a password is kept.
func (h *hasher) hash(ctx context.Context, random io.Reader, password Secret) (string, error) {
	salt := make([]byte, hashSalt)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("random source: %w", err)
	}
	tag, err := h.tag(ctx, password, salt)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding
	return h.head() + enc.EncodeToString(salt) + "$" + enc.EncodeToString(tag), nil
}

// matches compares a password with a kept text. An empty text is that of an unknown login: the same
// work is done on a dummy, and the answer is false.
func (h *hasher) matches(ctx context.Context, password Secret, kept string) (bool, error) {
	salt, want, known := h.parse(kept)
	if !known {
		salt, want = make([]byte, hashSalt), make([]byte, hashTag)
	}
	got, err := h.tag(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func (h *hasher) parse(kept string) (salt, tag []byte, ok bool) {
	rest, found := strings.CutPrefix(kept, h.head())
	first, second, parts := strings.Cut(rest, "$")
	salt, saltErr := base64.RawStdEncoding.DecodeString(first)
	tag, tagErr := base64.RawStdEncoding.DecodeString(second)
	return salt, tag, found && parts && saltErr == nil && tagErr == nil && len(salt) == hashSalt && len(tag) == hashTag
}
