package state

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Bounds of connections. A step takes a fraction of a millisecond, so that few connections carry
// much; idle ones stay for the next burst, and are renewed before a firewall forgets them.
const (
	dialTimeout = 500 * time.Millisecond
	poolSize    = 32
	idleConns   = 4
	idleTime    = 4 * time.Minute
	connLife    = time.Hour
	// clockSkew is how far the clock of Redis may differ before an operator is told: refresh tokens
	// are judged by it.
	clockSkew = 5 * time.Second
)

// RedisConfig is what a Redis state is made of. Every member is required.
type RedisConfig struct {
	URL      string           // see CheckRedisURL
	Settings Settings         // main store, which keeps the epoch
	Clock    func() time.Time // present instant
	Log      *slog.Logger     // of what an operator should know; never a key or value
}

// CheckRedisURL says what is wrong with the address of a Redis, nil when nothing is. It has the form
// redis://[user:password@]host[:port][/db], or rediss:// for TLS. More nodes of a cluster follow as
// ?addr=host:port, and a cluster of which one is named needs ?cluster=true. With ?master_name= the
// nodes are Sentinels, whose own credentials are sentinel_username and sentinel_password.
// The error repeats nothing of the address.
func CheckRedisURL(address string) error {
	_, err := optionsOf(address)
	return err
}

var errRedisURL = errors.New("use redis://[user:password@]host:port[/db], or rediss:// for TLS; " +
	"parameters may be addr, cluster, master_name, sentinel_username and sentinel_password")

// optionsOf reads the address and sets everything else as this package needs it.
func optionsOf(address string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" || u.Fragment != "" {
		return nil, errRedisURL
	}
	query := u.Query()
	for name, values := range query {
		if !slices.Contains([]string{"addr", "cluster", "master_name", "sentinel_username", "sentinel_password"}, name) ||
			name != "addr" && len(values) > 1 {
			return nil, errRedisURL
		}
	}
	u.RawQuery = ""
	one, err := redis.ParseURL(u.String())
	if err != nil || one.DB < 0 {
		return nil, errRedisURL
	}
	o := &redis.UniversalOptions{
		Addrs: append([]string{one.Addr}, query["addr"]...), Username: one.Username, Password: one.Password, DB: one.DB,
		TLSConfig: one.TLSConfig, MasterName: query.Get("master_name"), IsClusterMode: query.Get("cluster") == "true",
		SentinelUsername: query.Get("sentinel_username"), SentinelPassword: query.Get("sentinel_password"),
	}
	for _, addr := range o.Addrs {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
			return nil, errRedisURL
		}
	}
	if o.TLSConfig != nil && len(o.Addrs) > 1 {
		o.TLSConfig.ServerName = "" // each node by its own name
	}
	tune(o)
	return o, nil
}

// tune makes every answer come soon, and no command go twice.
func tune(o *redis.UniversalOptions) {
	o.MaxRetries = -1 // none: a repeated claim would meet itself
	o.ContextTimeoutEnabled = true
	o.DialTimeout, o.DialerRetries = dialTimeout, 1
	o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = stepTimeout, stepTimeout, stepTimeout
	o.PoolSize, o.MinIdleConns, o.PipelinePoolSize = poolSize, idleConns, -1
	o.ConnMaxIdleTime, o.ConnMaxLifetime = idleTime, connLife
	o.Protocol = 2 // nothing here is pushed, and RESP3 looks for pushes before each answer
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// OpenRedis returns the state in a Redis that can hold it: 7.0 or later, evicting nothing. What would
// cost more than logins is refused with a sentence that says what to set; what may be meant so is
// logged.
func OpenRedis(ctx context.Context, c RedisConfig) (*Redis, error) {
	if c.Settings == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("state.OpenRedis: Settings, Clock and Log are required")
	}
	o, err := optionsOf(c.URL)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	logging.Disable() // the library writes lines of its own; what failed is told by each step
	admin := *o
	admin.PoolSize, admin.MinIdleConns = 2, 0
	m := &memory{admin: redis.NewUniversalClient(&admin), settings: c.Settings, clock: c.Clock, log: c.Log, runs: map[string]bool{}}
	o.OnConnect = m.admit
	r := &Redis{client: redis.NewUniversalClient(o), memory: m}
	if err := r.start(ctx, c); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// start judges the servers and recalls what was known of their memory.
func (r *Redis) start(ctx context.Context, c RedisConfig) error {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	if err := r.memory.recall(ctx); err != nil {
		return fmt.Errorf("redis: the epoch in the main store cannot be read: %w", err)
	}
	err := eachServer(ctx, r.memory.admin, func(ctx context.Context, s redis.Cmdable) error { return judge(ctx, s, c) })
	var refused *refusal
	if errors.As(err, &refused) {
		return refused
	}
	if err == nil {
		err = r.memory.verify(ctx)
	}
	if err != nil {
		return fmt.Errorf("cannot use the Redis of --redis; check that it runs and takes this password: %w", plain(err))
	}
	return nil
}

// refusal is a Redis that must not hold the state.
type refusal struct{ sentence string }

// Error implements error.
func (r *refusal) Error() string { return r.sentence }

// judge refuses a server that is too old or forgets on its own, and logs what else is unwise.
func judge(ctx context.Context, s redis.Cmdable, c RedisConfig) error {
	text, err := s.Info(ctx).Result()
	if err != nil {
		return err
	}
	info := infoOf(text)
	if major(info["redis_version"]) < 7 {
		return &refusal{"Redis is older than 7.0; use Redis 7 or later, or Valkey"}
	}
	if err := judgePolicy(ctx, s, c.Log); err != nil {
		return err
	}
	adviseOnFile(ctx, s, info["aof_enabled"] == "1", c.Log)
	now, err := s.Time(ctx).Result()
	if err != nil {
		return err
	}
	if skew := c.Clock().Sub(now); skew.Abs() > clockSkew {
		c.Log.Warn("redis_clock", "advice", "the clocks of Redis and of this server differ; let both follow NTP", "seconds", int(skew.Seconds()))
	}
	return nil
}

// adviseOnFile tells what a restart may lose. A server that does not tell how often it writes is left alone.
func adviseOnFile(ctx context.Context, s redis.Cmdable, appends bool, log *slog.Logger) {
	if !appends {
		log.Warn("redis_append_only_off", "advice", "set appendonly yes: without it every restart of Redis ends all logins")
		return
	}
	set, err := s.ConfigGet(ctx, "appendfsync").Result()
	if err == nil && !strings.EqualFold(set["appendfsync"], "always") {
		log.Warn("redis_append_late", "advice", "set appendfsync always: when the machine of Redis fails, what was used or revoked in its last second could be used again")
	}
}

// judgePolicy refuses a server that drops keys when memory is short: a dropped claim is a second use.
func judgePolicy(ctx context.Context, s redis.Cmdable, log *slog.Logger) error {
	set, err := s.ConfigGet(ctx, "maxmemory-policy").Result()
	var answered redis.Error
	if errors.As(err, &answered) {
		log.Warn("redis_config_forbidden", "advice", "maxmemory-policy cannot be read; make sure that it is noeviction")
		return nil
	}
	if err != nil {
		return err
	}
	if policy := set["maxmemory-policy"]; !strings.EqualFold(policy, "noeviction") {
		return &refusal{"Redis may drop keys when its memory is full, so that a spent code could be used again; set maxmemory-policy noeviction"}
	}
	return nil
}
