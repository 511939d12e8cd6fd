package smart

import (
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Durations that a user chooses (smart.md 5.2). Their names are keys of the texts.
const (
	durationOnce  = "once"
	durationMonth = "3m"
	durationYear  = "1y"
	durationKept  = "kept" // as an earlier grant
)

// offer is what an app asks and a family user may give: patient/ scopes within the registration, of
// types that the page can name.
type offer struct {
	client   *registered
	items    []offerItem
	all      auth.Scopes // resource scopes
	required auth.Scopes // the part of all that the app cannot do without
	types    []fhir.Type // of all, in the order of the groups
}

// offerItem is one scope in the order asked.
type offerItem struct {
	token string
	asked auth.Scopes // wildcards expanded
	word  bool
}

// offerOf reads what was asked. user/ and system/ scopes are dropped: one consent is about one child.
func (s *Server) offerOf(c *registered, asked string) (*offer, error) {
	types := permittable(s.served())
	named, err := scopesOn(types, "cruds")
	if err != nil {
		return nil, err
	}
	bound := c.scopes.Intersect(named)
	o := &offer{client: c}
	for token := range strings.FieldsSeq(asked) {
		parsed, known, err := parseScope(token)
		if err != nil {
			return nil, err
		}
		if !known {
			continue
		}
		if words := parsed.Words(); len(words) > 0 {
			if honoured(c, token) && c.scopes.Has(token) && !o.has(token) {
				o.items = append(o.items, offerItem{token: token, word: true})
			}
			continue
		}
		item := offerItem{token: token, asked: parsed.Level("patient").Expand("patient", types)}
		if rest := item.asked.Intersect(bound); !rest.Empty() {
			o.items, o.all = append(o.items, item), o.all.Union(rest)
		}
	}
	if c.RequiredScope != "" {
		required, err := auth.ParseScopes(c.RequiredScope)
		if err != nil {
			return nil, err
		}
		o.required = required.Level("patient").Intersect(o.all)
	}
	for _, t := range types {
		if reads(o.all, t) || changes(o.all, t) {
			o.types = append(o.types, t)
		}
	}
	return o, nil
}

// honoured reports whether a scope without a resource means something in this flow.
func honoured(c *registered, word string) bool {
	switch word {
	case "openid", "fhirUser", "launch/patient":
		return true
	case "offline_access", "online_access":
		return slices.Contains(c.GrantTypes, GrantRefresh)
	}
	return false
}

func (o *offer) has(word string) bool {
	return slices.ContainsFunc(o.items, func(i offerItem) bool { return i.word && i.token == word })
}

func scopesOn(types []fhir.Type, letters string) (auth.Scopes, error) {
	if len(types) == 0 {
		return auth.Scopes{}, nil
	}
	list := make([]string, len(types))
	for i, t := range types {
		list[i] = "patient/" + string(t) + "." + letters
	}
	return auth.ParseScopes(strings.Join(list, " "))
}

func reads(s auth.Scopes, t fhir.Type) bool {
	return s.Allows("patient", t, 'r') || s.Allows("patient", t, 's')
}

func changes(s auth.Scopes, t fhir.Type) bool {
	return s.Allows("patient", t, 'c') || s.Allows("patient", t, 'u') || s.Allows("patient", t, 'd')
}

// ticks is what the user chose on the consent page.
type ticks struct {
	groups, changes []string // names of groups
	types           []string
	categories      []string // codes
	duration        string
	until           time.Time // with durationKept
}

// permitted returns what the ticks leave of the offer, what the app cannot do without included.
// A value that the page did not show adds nothing.
func (o *offer) permitted(t ticks) (auth.Scopes, error) {
	var list []string
	for _, g := range groups() {
		for _, kind := range g.types {
			if slices.Contains(t.groups, g.name.key) || slices.Contains(t.types, string(kind)) {
				list = append(list, "patient/"+string(kind)+".rs")
			}
			if slices.Contains(t.changes, g.name.key) {
				list = append(list, "patient/"+string(kind)+".cud")
			}
		}
	}
	for _, c := range categories() {
		if slices.Contains(t.categories, c.name.key) {
			list = append(list, "patient/"+string(c.kind)+".rs?category="+c.system+"|"+c.name.key)
		}
	}
	if len(list) == 0 {
		return o.required, nil
	}
	ticked, err := auth.ParseScopes(strings.Join(list, " "))
	if err != nil {
		return auth.Scopes{}, err
	}
	return ticked.Intersect(o.all).Union(o.required), nil
}

// granted lists the scopes of a grant in the order asked (smart.md 4.4). Both kinds of refresh asked:
// offline, if the user allowed it.
func (o *offer) granted(permitted auth.Scopes, duration string) []string {
	offline := o.has("offline_access") && duration != durationOnce
	var out []string
	add := func(list ...string) {
		for _, g := range list {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	for _, i := range o.items {
		switch {
		case i.word && i.token == "offline_access" && !offline, i.word && i.token == "online_access" && offline:
		case i.word:
			add(i.token)
		case strings.Contains(i.token, "/*."):
			add(strings.Fields(i.asked.Intersect(permitted).String())...)
		default:
			add(grantOne(i.token, i.asked, permitted)...)
		}
	}
	return out
}

// durations that the page offers: how long an app may come back is asked only when it asked for that.
func (o *offer) durations() []string {
	if !o.has("offline_access") {
		return nil
	}
	return []string{durationOnce, durationMonth, durationYear}
}
