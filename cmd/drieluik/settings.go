package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/store"
)

// settings are the flags of serve that this release acts on; each is also an environment variable
// DRIELUIK_<FLAG> and a member of the --config file.
type settings struct {
	Listen         string            `default:"127.0.0.1:8080" help:"Address to listen on; port 0 picks one and prints it."`
	AdminListen    string            `default:"127.0.0.1:8081" help:"Address for the operator: /metrics, /debug/pprof, /readyz in detail. off: none. Never the public one."`
	BaseURL        string            `name:"base-url" help:"Public URL, such as https://drieluik.example; default http://<listen>. Links and issuer come from here alone."`
	Store          string            `default:"sqlite:./data" help:"Where data is kept: sqlite:FOLDER, or postgres://USER:PASSWORD@HOST:PORT/DATABASE for several processes. Prefer DRIELUIK_STORE for an address with a password."`
	SecretFile     string            `type:"path" help:"File with 32 random bytes under which keys are sealed, the same for every process; also auth.secretFile. Default: secret.key in the data folder."`
	Processes      int               `default:"1" help:"How many processes serve this store; more than one needs PostgreSQL and --redis."`
	Redis          string            `placeholder:"URL" help:"Redis that keeps codes, tokens and claims: redis://[user:password@]host:port[/db], rediss:// for TLS. Prefer DRIELUIK_REDIS for a URL with a password. Default: the store keeps them."`
	BehindProxy    bool              `help:"Plain HTTP behind a proxy that ends TLS; without it plain HTTP is for loopback alone."`
	TLSCert        string            `name:"tls-cert" type:"path" help:"Certificate file (PEM)."`
	TLSKey         string            `name:"tls-key" type:"path" help:"Key file (PEM)."`
	Jurisdiction   string            `default:"nl" enum:"nl,se" help:"Policy table of a child that does not say: nl or se."`
	ParentRead1215 string            `name:"parent-read-12-15" default:"require-child-permit" enum:"require-child-permit,deny-on-child-objection" help:"How parents of a child of 12 to 15 read."`
	Signatures     string            `default:"one" enum:"one,all" help:"How many guardians sign a changed plan: one or all."`
	Package        []string          `type:"path" placeholder:"DIR|TGZ" help:"FHIR package whose profiles, extensions and Questionnaires every write must follow; may be given several times."`
	Validate       []string          `default:"base,own,claimed" enum:"base,own,claimed" help:"Which rules a write must pass: base (R4, always), own (the profiles of drieluik that it claims), claimed (all others that it claims)."`
	Upstream       string            `type:"path" help:"JSON file with the OpenID providers at which people may log in."`
	NotifyHosts    []string          `name:"notify-private-host" placeholder:"HOST:PORT" help:"Receiver of notifications inside the institution's network that may be called, by exact host and port; may be given several times. Others are public and https."`
	MaxBody        string            `default:"5MB" help:"Largest request body, such as 5MB or 800kB; at most 64MB."`
	DPoP           bool              `name:"dpop" default:"true" negatable:"" help:"Tokens may be bound to a key of the client (DPoP)."`
	PAR            bool              `name:"par" default:"true" negatable:"" help:"Apps may push their authorisation requests first (/auth/par)."`
	Register       bool              `help:"Apps may register themselves (/auth/register) with a token of client token."`
	AuditRetention string            `default:"5y" help:"How long the log of who saw and changed what is kept: 5y to 20y."`
	CacheSize      int               `default:"10000" help:"Children whose compiled policy is kept between requests. It serves only while it is proven to be current."`
	OTLPEndpoint   string            `name:"otlp-endpoint" placeholder:"URL" help:"Collector of traces (OpenTelemetry, OTLP over HTTP): https, or http on loopback, such as http://127.0.0.1:4318. Default: none."`
	LogLevel       string            `default:"info" enum:"debug,info,warn,error" help:"Least level that is logged."`
	LogFormat      string            `default:"json" enum:"json,text" help:"json or text."`
	Auth           authBlock         `hidden:"" placeholder:"YAML" help:"Further settings of the authorisation server."`
	Coordination   coordinationBlock `hidden:"" placeholder:"YAML" help:"Limits of the rules that find overlap between organisations."`
	Config         kong.ConfigFlag   `help:"YAML file with these settings; those of the authorisation server that are no flags stand under auth."`
}

// yamlSettings reads --config: a flat map from flag names to values.
func yamlSettings(r io.Reader) (kong.Resolver, error) {
	var out yamlFile
	if err := yaml.NewDecoder(r).Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New("the settings file is not a YAML map from flag names to values")
	}
	return out, nil
}

// yamlFile is a read --config file.
type yamlFile map[string]any

// Validate refuses a name that is no flag: a misspelt setting must not be ignored.
func (f yamlFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, leaf := range app.Leaves(true) {
		for _, flag := range leaf.Flags {
			known[flag.Name] = true
		}
	}
	for name := range f {
		if !known[name] {
			return fmt.Errorf("the settings file names %q, which is no setting; drieluik serve --help lists them", name)
		}
	}
	return nil
}

// Resolve returns the value of a flag that neither the command line nor the environment sets.
func (f yamlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if os.Getenv(name) != "" {
			return nil, nil
		}
	}
	v, ok := f[flag.Name]
	if !ok || v == "" { // a path that is given as empty is none, not the folder
		return nil, nil
	}
	if block, ok := v.(yamlFile); ok { // what stands in a map is read as that map
		text, err := yaml.Marshal(block)
		return string(text), err
	}
	if list, ok := v.([]any); ok {
		words := make([]string, len(list))
		for i, one := range list {
			words[i] = fmt.Sprint(one)
		}
		return strings.Join(words, ","), nil
	}
	return fmt.Sprint(v), nil
}

// largestBody is the largest --max-body, in bytes: the store unpacks no larger resource.
const largestBody = 64e6

// faults returns everything that is wrong with the settings, one sentence each.
func (s settings) faults() []string {
	var out []string
	if size, err := bytesOf(s.MaxBody); err != nil {
		out = append(out, "max-body: "+err.Error())
	} else if size > largestBody {
		out = append(out, "max-body: at most 64MB, which is what the store keeps of one resource")
	}
	if years := s.retention(); years < 5 || years > 20 {
		out = append(out, "audit-retention: use a number of years from 5y to 20y")
	}
	if s.CacheSize < 0 {
		out = append(out, "cache-size: use 1 or more; 0 is the default")
	}
	out = append(out, s.storeFaults()...)
	if _, err := otlpURL(s.OTLPEndpoint); s.OTLPEndpoint != "" && err != nil {
		out = append(out, err.Error())
	}
	if err := s.redisFault(); err != nil {
		out = append(out, err.Error())
	}
	if _, err := s.providers(); err != nil {
		out = append(out, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if err := s.auth().Check(); err != nil {
		out = append(out, "auth: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	out = append(out, s.listenFaults()...)
	if !slices.Contains(s.Validate, "base") {
		out = append(out, "validate: base is always checked; name it, such as base,own,claimed")
	}
	for _, name := range s.NotifyHosts {
		if host, port, err := net.SplitHostPort(name); err != nil || host == "" || port == "" {
			out = append(out, "notify-private-host: use HOST:PORT, such as hooks.homecare.example:443")
		}
	}
	if s.BaseURL != "" && !originOnly(s.BaseURL) {
		out = append(out, "base-url: use scheme, host and optional port alone, such as https://drieluik.example")
	}
	return out
}

// listenFaults are those of where the server listens.
func (s settings) listenFaults() []string {
	var out []string
	if (s.TLSCert == "") != (s.TLSKey == "") {
		out = append(out, "tls-cert and tls-key: give both or none")
	}
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		out = append(out, "listen: use HOST:PORT, such as 127.0.0.1:8080")
	}
	if s.TLSCert == "" && !s.BehindProxy && !loopback(host) {
		out = append(out, "listen: plain HTTP is for loopback alone; give tls-cert and tls-key, or behind-proxy")
	}
	if host, _, err := net.SplitHostPort(s.AdminListen); s.AdminListen != noAdmin && s.AdminListen != "" && (err != nil || host == "") {
		out = append(out, "admin-listen: use HOST:PORT of an address that only operators reach, such as 127.0.0.1:8081, or off")
	}
	return out
}

// storeFaults returns what is wrong with where data is kept, and by how many.
func (s settings) storeFaults() []string {
	var out []string
	shared := store.IsPostgres(s.Store)
	if !shared && !strings.HasPrefix(s.Store, "sqlite:") {
		out = append(out, "store: use sqlite:FOLDER or postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	if s.SecretFile != "" && s.Auth.SecretFile != "" {
		out = append(out, "secret-file: give it here or as auth.secretFile, not both")
	}
	if shared && s.SecretFile == "" && s.Auth.SecretFile == "" {
		out = append(out, "secret-file: "+errNoSecret.Error())
	}
	switch {
	case s.Processes < 0:
		out = append(out, "processes: use 1 or more")
	case s.Processes > 1 && !(shared && s.Redis != ""):
		out = append(out, "processes: more than one need PostgreSQL and Redis; give --store postgres://… and --redis")
	}
	return out
}

// follows reports whether writes must pass a profile that they claim.
func (s settings) follows(profile string) bool {
	if len(s.Validate) == 0 { // not served: the demo, commands
		return true
	}
	if strings.HasPrefix(profile, fhir.Canonical+"/") {
		return slices.Contains(s.Validate, "own")
	}
	return slices.Contains(s.Validate, "claimed")
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func originOnly(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		u.Path == "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

// retention returns how many years the log is kept; 0 when that is not said, or not understood.
func (s settings) retention() int {
	digits, ok := strings.CutSuffix(s.AuditRetention, "y")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil {
		return 0
	}
	return int(n)
}

// bytesOf reads a size: a number with B, kB, MB or GB.
func bytesOf(s string) (int64, error) {
	for _, unit := range []struct {
		suffix string
		bytes  int64
	}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {"", 1}} {
		digits, ok := strings.CutSuffix(s, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err == nil && n > 0 && n < 1<<32 {
			return n * unit.bytes, nil
		}
	}
	return 0, errors.New("use a size such as 5MB")
}

// logger writes to w as the settings say.
func (s settings) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}
