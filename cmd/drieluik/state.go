package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/auth/state"
	"github.com/drieluik/drieluik/fhir/store"
)

// shortState is the short-lived state with what the process does about it.
type shortState struct {
	smart.State
	sweep func(context.Context) (int, error)
	lost  func() time.Time            // when it lost its claims; zero: never
	ready func(context.Context) error // nil: it stands and falls with the store
	close func() error
}

// openState opens the state in the Redis of --redis, or without one in the store.
func openState(ctx context.Context, s settings, st *store.Store, log *slog.Logger) (shortState, error) {
	if s.Redis == "" {
		e, err := state.New(st, time.Now)
		lost, unread := lostBefore(ctx, st)
		if err = errors.Join(err, unread); err != nil {
			return shortState{}, err
		}
		return shortState{
			State: e, sweep: e.Sweep, lost: func() time.Time { return lost }, close: func() error { return nil },
		}, nil
	}
	r, err := state.OpenRedis(ctx, state.RedisConfig{URL: s.Redis, Settings: st, Clock: time.Now, Log: log})
	if err != nil {
		return shortState{}, err
	}
	return shortState{State: r, sweep: r.Sweep, lost: r.Lost, ready: r.Ready, close: r.Close}, nil
}

// lostBefore returns when the state of this store was lost: by a restore, which knows nothing of what was claimed
// after the backup.
func lostBefore(ctx context.Context, st *store.Store) (time.Time, error) {
	text, ok, err := st.Setting(ctx, store.LostKey)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, string(text))
}

// lose says that the state was lost at an instant.
func (a *app) lose(ctx context.Context, at time.Time) error {
	return a.store.SaveSetting(ctx, store.LostKey, []byte(at.UTC().Format(time.RFC3339)))
}

// redisFault says what is wrong with --redis, nil when nothing is.
func (s settings) redisFault() error {
	if s.Redis == "" {
		return nil
	}
	if err := state.CheckRedisURL(s.Redis); err != nil {
		return errors.New("redis: " + err.Error())
	}
	return nil
}

// maskedStore is where data is kept, without a password.
func maskedStore(address string) string {
	if !store.IsPostgres(address) {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return "***"
	}
	query := u.Query()
	for _, name := range []string{"password", "sslpassword"} {
		if query.Has(name) {
			query.Set(name, "***")
		}
	}
	u.RawQuery = query.Encode()
	if _, locked := u.User.Password(); locked {
		u.User = url.UserPassword(u.User.Username(), "***")
	}
	text, err := url.PathUnescape(u.String()) // *** as it is
	if err != nil {
		return "***"
	}
	return text
}

// masked is an address without its secrets; of one that cannot be used, which may have them anywhere,
// nothing is left.
func masked(address string) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil || state.CheckRedisURL(address) != nil {
		return "***"
	}
	query := u.Query()
	if query.Has("sentinel_password") {
		query.Set("sentinel_password", "***")
		u.RawQuery = query.Encode()
	}
	if _, locked := u.User.Password(); locked {
		u.User = url.UserPassword(u.User.Username(), "***")
	}
	text, err := url.PathUnescape(u.String()) // *** as it is
	if err != nil {
		return "***"
	}
	return text
}
