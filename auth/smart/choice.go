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

// offer is what an app asks and a user may give: scopes within the registration. Of a family user they
// are patient/ scopes of types that the page can name, for one consent is about one child. Of staff
// they are user/ scopes, and patient/ scopes where a launch says about whom.
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

// offerOf reads what was asked, for who has logged in. system/ scopes are dropped.
func (s *Server) offerOf(c *registered, ixn *interaction) (*offer, error) {
	types, levels := permittable(s.served()), []string{"patient"}
	if ixn.Staff {
		types, levels = s.servedTypes(), []string{"user"}
		if ixn.Launch != nil {
			levels = []string{"patient", "user"}
		}
	}
	named, err := scopesOn(levels, types, "cruds")
	if err != nil {
		return nil, err
	}
	bound := c.scopes.Intersect(named)
	o := &offer{client: c}
	for token := range strings.FieldsSeq(ixn.Scope) {
		parsed, known, err := parseScope(token)
		if err != nil {
			return nil, err
		}
		if !known {
			continue
		}
		if words := parsed.Words(); len(words) > 0 {
			if honoured(c, ixn, token) && c.scopes.Has(token) && !o.has(token) {
				o.items = append(o.items, offerItem{token: token, word: true})
			}
			continue
		}
		item := offerItem{token: token}
		for _, level := range levels {
			item.asked = item.asked.Union(parsed.Level(level).Expand(level, types))
		}
		if rest := item.asked.Intersect(bound); !rest.Empty() {
			o.items, o.all = append(o.items, item), o.all.Union(rest)
		}
	}
	return o, o.finish(types)
}

// finish notes what the app cannot do without, and the types that it asks for.
func (o *offer) finish(types []fhir.Type) error {
	if o.client.RequiredScope != "" {
		required, err := auth.ParseScopes(o.client.RequiredScope)
		if err != nil {
			return err
		}
		o.required = required.Level("patient").Intersect(o.all)
	}
	for _, t := range types {
		if reads(o.all, t) || changes(o.all, t) {
			o.types = append(o.types, t)
		}
	}
	return nil
}

func (s *Server) servedTypes() []fhir.Type {
	var types []fhir.Type
	for _, t := range s.served() {
		types = append(types, t.Type)
	}
	return types
}

// honoured reports whether a scope without a resource means something in this flow. A login of staff
// lasts as long as their session: it has no offline use, and that of an emergency no refresh at all.
func honoured(c *registered, ixn *interaction, word string) bool {
	launched := ixn.Launch != nil
	switch word {
	case "openid", "fhirUser":
		return true
	case "launch":
		return launched
	case "launch/patient":
		return launched || !ixn.Staff
	case "launch/encounter":
		return launched && ixn.Launch.Encounter != ""
	case "online_access":
		return slices.Contains(c.GrantTypes, GrantRefresh) && !isEmergency(ixn.Purpose)
	case "offline_access":
		return !ixn.Staff && slices.Contains(c.GrantTypes, GrantRefresh)
	}
	return false
}

func (o *offer) has(word string) bool {
	return slices.ContainsFunc(o.items, func(i offerItem) bool { return i.word && i.token == word })
}

// scopesOn returns the scopes of the letters on the types. A server may serve more types than one
// scope list can name.
func scopesOn(levels []string, types []fhir.Type, letters string) (auth.Scopes, error) {
	var list []string
	for _, level := range levels {
		for _, t := range types {
			list = append(list, level+"/"+string(t)+"."+letters)
		}
	}
	var out auth.Scopes
	for part := range slices.Chunk(list, maxScopes) {
		some, err := auth.ParseScopes(strings.Join(part, " "))
		if err != nil {
			return auth.Scopes{}, err
		}
		out = out.Union(some)
	}
	return out, nil
}

// reads reports whether a user reads a type by the scopes; system/ scopes have no user.
func reads(s auth.Scopes, t fhir.Type) bool { return allowsAny(s, t, "rs") }

// changes reports whether a user changes a type by the scopes.
func changes(s auth.Scopes, t fhir.Type) bool { return allowsAny(s, t, "cud") }

func allowsAny(s auth.Scopes, t fhir.Type, letters string) bool {
	for i := range len(letters) {
		if s.Allows("patient", t, letters[i]) || s.Allows("user", t, letters[i]) {
			return true
		}
	}
	return false
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
