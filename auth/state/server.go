package state

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// server is one Redis that can be written to, as it tells of itself.
type server struct {
	run      string // changes at each start
	version  string
	durable  bool // append-only file on
	promoted bool // was a replica, which may have missed the last writes
}

// forgets reports whether a server that has just come may lack what was written before.
func (s server) forgets() bool { return !s.durable || s.promoted }

func runsOf(servers []server) []string {
	var out []string
	for _, s := range servers {
		out = append(out, s.run)
	}
	slices.Sort(out)
	return out
}

// inspect asks every server that takes writes.
func inspect(ctx context.Context, client redis.UniversalClient) ([]server, error) {
	var mu sync.Mutex
	var out []server
	err := eachServer(ctx, client, func(ctx context.Context, c redis.Cmdable) error {
		text, err := c.Info(ctx).Result()
		if err != nil {
			return err
		}
		s, err := serverOf(infoOf(text))
		mu.Lock()
		defer mu.Unlock()
		out = append(out, s)
		return err
	})
	return out, err
}

func serverOf(info map[string]string) (server, error) {
	s := server{
		run: info["run_id"], version: info["redis_version"], durable: info["aof_enabled"] == "1",
		promoted: strings.Trim(info["master_replid2"], "0") != "",
	}
	switch {
	case s.run == "":
		return s, errors.New("it does not say which server it is")
	case info["role"] != "master":
		return s, errors.New("it is a replica")
	case info["loading"] == "1":
		return s, errors.New("it is loading its data")
	}
	return s, nil
}

// eachServer runs do on the server, or on every master of a cluster, there at once.
func eachServer(ctx context.Context, client redis.UniversalClient, do func(context.Context, redis.Cmdable) error) error {
	if cluster, ok := client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return do(ctx, c) })
	}
	return do(ctx, client)
}

// purge removes what opens something. Claims and counters stay: they only refuse.
func purge(ctx context.Context, client redis.UniversalClient) error {
	return eachServer(ctx, client, func(ctx context.Context, c redis.Cmdable) error {
		var cursor uint64
		for {
			keys, next, err := c.Scan(ctx, cursor, keyPrefix+"*", scanBatch).Result()
			if err != nil {
				return err
			}
			if err := unlink(ctx, c, slices.DeleteFunc(keys, opensNothing)); err != nil {
				return err
			}
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	})
}

func opensNothing(key string) bool {
	kind, _, _ := strings.Cut(strings.TrimPrefix(key, keyPrefix), ":")
	return !slices.Contains([]Kind{Grant, AccessToken, Refresh, Code, Launch, Pushed, Interaction, Session}, kind)
}

// unlink removes keys of one server in one trip, each by a command of its own: in a cluster they lie
// in different slots.
func unlink(ctx context.Context, c redis.Cmdable, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Unlink(ctx, key)
		}
		return nil
	})
	return err
}

// infoOf reads the answer of INFO.
func infoOf(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			out[name] = value
		}
	}
	return out
}

// major is the first number of a version, 0 when it has none.
func major(version string) int {
	head, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(head)
	if err != nil {
		return 0
	}
	return n
}
