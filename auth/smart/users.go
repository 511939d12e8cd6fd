package smart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drieluik/drieluik/fhir"
)

// Keys of the main store. A login leads to a subject, so that no state and no token holds the login.
const (
	userPrefix  = "user/"
	loginPrefix = "login/"
)

// Bounds of a password in characters (smart.md 1).
const (
	minPassword = 12
	maxPassword = 128
)

// UsersConfig is what Users is made of. Every member is required.
type UsersConfig struct {
	Store  SettingStore
	Clock  func() time.Time
	Random io.Reader
	Log    *slog.Logger
	// RegisterOrganization creates or updates the Organization of a Practitioner as the operator's act.
	RegisterOrganization func(context.Context, Organization) (OrganizationRecord, error)
}

// Users holds the local accounts. Every look-up reads the store, so that a change acts on the next
// request of every process. It is safe for concurrent use.
type Users struct {
	c    UsersConfig
	hash *hasher
}

// NewUsers returns the accounts over the store.
func NewUsers(c UsersConfig) (*Users, error) {
	if c.Store == nil || c.Clock == nil || c.Random == nil || c.Log == nil || c.RegisterOrganization == nil {
		return nil, errors.New("smart.NewUsers: every member of UsersConfig is required")
	}
	return &Users{c: c, hash: newHasher()}, nil
}

// Account is a local account as the operator sees it.
type Account struct {
	Subject      string
	Login        string
	FHIRUser     fhir.Ref
	Organization string // system|value, of a Practitioner
	Upstream     string // PROVIDER or PROVIDER|SUBJECT; empty: a password alone
	Status       string // active, disabled
}

// NewAccount is an account to add.
type NewAccount struct {
	Binding
	Login    string
	Password Secret // empty with Binding.Upstream: the person logs in there alone
	Demo     bool   // the demo alone: a password of any length
}

// elsewhere reports whether an account has no password of its own.
func (n NewAccount) elsewhere() bool { return n.Upstream != "" && n.Password == "" }

// account is an Account as it is kept.
type account struct {
	Subject         string    `json:"subject"`
	Login           string    `json:"login"`
	FHIRUser        string    `json:"fhir_user"`
	Organization    string    `json:"organization,omitempty"`     // system|value
	OrganizationRef string    `json:"organization_ref,omitempty"` // Organization/id
	Password        string    `json:"password"`                   // argon2id; empty: none
	Upstream        string    `json:"upstream,omitempty"`
	Status          string    `json:"status"`
	Changed         time.Time `json:"changed"`

	ref fhir.Ref // of FHIRUser
	org fhir.Ref // of OrganizationRef; zero for everybody but a Practitioner
}

func (a *account) active() bool { return a.Status == StatusActive }

// staff reports whether the account acts for an organisation.
func (a *account) staff() bool { return a.ref.Type == staffType }

func (a *account) user() User {
	return User{Subject: a.Subject, FHIRUser: a.ref, Organization: a.org}
}

func (a *account) public() Account {
	return Account{
		Subject: a.Subject, Login: a.Login, FHIRUser: a.ref, Organization: a.Organization, Upstream: a.Upstream, Status: a.Status,
	}
}

// Add makes an account. Unprocessable with every fault, Conflict when the login is taken.
func (u *Users) Add(ctx context.Context, n NewAccount) (Account, error) {
	const op = "smart.Users.Add"
	login := foldLogin(n.Login)
	issues := n.Binding.check()
	if !isLogin(login) {
		issues = append(issues, userIssue("user.login", "The login must begin with a letter or digit and have at most 64 of a-z 0-9 . _ @ + -"))
	}
	if !n.Demo && !n.elsewhere() {
		issues = append(issues, checkPassword(n.Password, login)...)
	}
	if len(issues) > 0 {
		return Account{}, &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: issues}
	}
	if taken, err := u.byLogin(ctx, login); err != nil || taken != nil {
		if err == nil {
			err = fhir.Errorf(fhir.Conflict, op, "duplicate", "user.login", "This login exists already: choose another, or use user passwd and user bind to change it.")
		}
		return Account{}, fhir.Wrap(op, err)
	}
	subject, err := newSecret(u.c.Random, prefixUser, 16)
	if err != nil {
		return Account{}, fhir.Wrap(op, err)
	}
	a := &account{Subject: subject.Reveal(), Login: login, Status: StatusActive}
	if err := u.bind(ctx, a, n.Binding); err != nil {
		return Account{}, fhir.Wrap(op, err)
	}
	if !n.elsewhere() {
		if a.Password, err = u.hash.hash(ctx, u.c.Random, n.Password); err != nil {
			return Account{}, fhir.Wrap(op, err)
		}
	}
	if err := u.c.Store.SaveSetting(ctx, loginKey(login), []byte(a.Subject)); err != nil { // leads nowhere until the next line
		return Account{}, fhir.Wrap(op, err)
	}
	if err := u.save(ctx, a, "added"); err != nil {
		return Account{}, fhir.Wrap(op, err)
	}
	return a.public(), nil
}

// List returns all accounts in the order of their logins.
func (u *Users) List(ctx context.Context) ([]Account, error) {
	const op = "smart.Users.List"
	values, err := u.c.Store.Settings(ctx, userPrefix)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	accounts := make([]Account, 0, len(values))
	for _, value := range values {
		a, err := decodeAccount(value)
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		accounts = append(accounts, a.public())
	}
	slices.SortFunc(accounts, func(a, b Account) int { return strings.Compare(a.Login, b.Login) })
	return accounts, nil
}

// Disable takes an account out of use: its sessions and tokens die on the next request.
func (u *Users) Disable(ctx context.Context, login string) error {
	return u.change(ctx, "smart.Users.Disable", login, "disabled", func(a *account) error {
		a.Status = StatusDisabled
		return nil
	})
}

// Enable takes an account into use again.
func (u *Users) Enable(ctx context.Context, login string) error {
	return u.change(ctx, "smart.Users.Enable", login, "enabled", func(a *account) error {
		a.Status = StatusActive
		return nil
	})
}

// Passwd replaces the password. Unprocessable when it is too short, too long or the login.
func (u *Users) Passwd(ctx context.Context, login string, password Secret) error {
	const op = "smart.Users.Passwd"
	if issues := checkPassword(password, foldLogin(login)); len(issues) > 0 {
		return &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: issues}
	}
	return u.change(ctx, op, login, "password", func(a *account) (err error) {
		a.Password, err = u.hash.hash(ctx, u.c.Random, password)
		return err
	})
}

// Bind replaces whom the account stands for. Grants of the old one die. Unprocessable with every fault.
func (u *Users) Bind(ctx context.Context, login string, b Binding) error {
	const op = "smart.Users.Bind"
	if issues := b.check(); len(issues) > 0 {
		return &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: issues}
	}
	return u.change(ctx, op, login, "bound", func(a *account) error { return u.bind(ctx, a, b) })
}

func (u *Users) change(ctx context.Context, op, login, what string, apply func(*account) error) error {
	a, err := u.byLogin(ctx, foldLogin(login))
	if err != nil {
		return fhir.Wrap(op, err)
	}
	if a == nil {
		return fhir.Errorf(fhir.NotFound, op, "not-found", "user.login", "No account has this login; user list shows them.")
	}
	if err := apply(a); err != nil {
		return fhir.Wrap(op, err)
	}
	return fhir.Wrap(op, u.save(ctx, a, what))
}

func (u *Users) save(ctx context.Context, a *account, what string) error {
	a.Changed = u.c.Clock().UTC()
	value, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("account record: %w", err)
	}
	if err := u.c.Store.SaveSetting(ctx, userPrefix+a.Subject, value); err != nil {
		return fmt.Errorf("account record: %w", err)
	}
	u.c.Log.LogAttrs(ctx, slog.LevelInfo, "user_changed", slog.String("outcome", what), slog.String("user", a.FHIRUser))
	return nil
}

// verify returns the active account of a login and password, nil when they are not one. Every way
// to nil costs one hash.
func (u *Users) verify(ctx context.Context, login string, password Secret) (*account, error) {
	a, err := u.byLogin(ctx, foldLogin(login))
	if err != nil {
		return nil, err
	}
	kept := ""
	if a != nil {
		kept = a.Password
	}
	ok, err := u.hash.matches(ctx, password, kept)
	if err != nil || !ok || !a.active() {
		return nil, err
	}
	return a, nil
}

// bySubject returns an account, nil when there is none; Unavailable when the store fails.
func (u *Users) bySubject(ctx context.Context, subject string) (*account, error) {
	const op = "smart.Users.bySubject"
	value, found, err := u.c.Store.Setting(ctx, userPrefix+subject)
	if err != nil {
		return nil, &fhir.Error{Kind: fhir.Unavailable, Op: op, Err: err}
	}
	if !found {
		return nil, nil
	}
	a, err := decodeAccount(value)
	return a, fhir.Wrap(op, err)
}

func (u *Users) byLogin(ctx context.Context, login string) (*account, error) {
	if !isLogin(login) {
		return nil, nil
	}
	subject, found, err := u.c.Store.Setting(ctx, loginKey(login))
	if err != nil {
		return nil, &fhir.Error{Kind: fhir.Unavailable, Op: "smart.Users.byLogin", Err: err}
	}
	if !found {
		return nil, nil
	}
	return u.bySubject(ctx, string(subject))
}

func loginKey(login string) string { return loginPrefix + hexHash(Secret(login)) }

func decodeAccount(src []byte) (*account, error) {
	a := &account{}
	if err := json.Unmarshal(src, a); err != nil {
		return nil, fmt.Errorf("account record: %w", err)
	}
	ref, ok := fhir.ParseRef(a.FHIRUser)
	if !ok {
		return nil, errors.New("account record: no reference")
	}
	a.ref = ref
	if a.org, ok = fhir.ParseRef(a.OrganizationRef); a.staff() && !ok {
		return nil, errors.New("account record: no organisation")
	}
	return a, nil
}

func foldLogin(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func isLogin(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || !strings.ContainsRune("._@+-", rune(c))) {
			return false
		}
	}
	return true
}

func userIssue(rule, text string) fhir.Issue {
	return fhir.Issue{Severity: fhir.SeverityError, Code: "invalid", Diagnostics: rule, Text: text}
}

func checkPassword(password Secret, login string) []fhir.Issue {
	n := utf8.RuneCountInString(password.Reveal())
	if n < minPassword || n > maxPassword {
		return []fhir.Issue{userIssue("user.password", "The password must have 12 to 128 characters.")}
	}
	if foldLogin(password.Reveal()) == login {
		return []fhir.Issue{userIssue("user.password", "The password must differ from the login.")}
	}
	return nil
}
