package terminology

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

const (
	r4Sets         = "http://hl7.org/fhir/ValueSet/"
	isNot          = "The code is not in it."
	isOther        = "The code is in it, but the display is none of its texts."
	isAbstractCode = "The code only groups others; send abstract=true to allow that."
	cannotSay      = "Whether the code is in it cannot be said: it depends on a code system that is not loaded."
)

// verdict is what is found about one code.
type verdict struct {
	answer  truth
	display string
	message string
}

// setOf returns the canonical of the value set that a request names.
func (t *Terms) setOf(r Request, f *form) string {
	switch {
	case r.ID != "":
		if s, ok := t.sets.byID[r.ID]; ok {
			return canonical(s.url, s.version)
		}
		return r4Sets + r.ID
	case !f.has("url"):
		f.missing(lacksURL)
		return ""
	}
	return canonical(f.text("url"), f.text("valueSetVersion"))
}

// hasSet reports whether a value set is loaded, or listed in the tables of R4.
func (t *Terms) hasSet(canonical string) bool {
	if _, ok := t.sets.get(canonical); ok {
		return true
	}
	_, ok := r4.Codes(withoutVersion(canonical))
	return ok
}

// validateInSet is ValueSet/$validate-code.
func (t *Terms) validateInSet(r Request, f *form) (any, error) {
	set := t.setOf(r, f)
	codes := f.codes(f.text("system"), lacksSystem)
	if err := f.err("terminology.validate-code"); err != nil {
		return nil, err
	}
	if !t.hasSet(set) {
		return nil, notFound("TERM-VALUESET-UNKNOWN", noSet)
	}
	e := evaluation{terms: t, budget: maxEvaluation}
	return answered(codes, func(c code) verdict {
		v := verdict{answer: e.in(set, c.system, c.code, 0), message: isNot}
		if v.answer != yes {
			return v
		}
		w := wording{}
		if s, ok := t.systems.get(canonical(c.system, f.text("systemVersion"))); ok {
			w = s.wording(c.code)
		}
		if s, ok := t.sets.get(set); ok {
			w.inSet = s.listed(c)
		}
		return w.judge(c, r.language(f), f.flag("abstract"))
	})
}

// validateInSystem is CodeSystem/$validate-code.
func (t *Terms) validateInSystem(r Request, f *form) (any, error) {
	url, version := f.text("url"), f.text("version")
	if r.ID != "" {
		named, ok := t.systems.byID[r.ID]
		if !ok {
			return nil, notFound("TERM-SYSTEM-UNKNOWN", noSystem)
		}
		url, version = named.url, named.version
	}
	codes := f.codes(url, lacksURL)
	if err := f.err("terminology.validate-code"); err != nil {
		return nil, err
	}
	if url == "" {
		url = codes[0].system
	}
	s, ok := t.systems.get(canonical(url, version))
	if !ok {
		return nil, notFound("TERM-SYSTEM-UNKNOWN", noSystem)
	}
	return answered(codes, func(c code) verdict {
		_, found := s.find(c.code)
		switch {
		case c.system != s.url, !found && s.complete:
			return verdict{answer: no, message: isNot}
		case !found:
			return verdict{answer: unknown}
		}
		return s.wording(c.code).judge(c, r.language(f), f.flag("abstract"))
	})
}

// wording returns the texts of a code; empty for one that the system has not.
func (s *system) wording(code string) wording {
	w := wording{language: s.language}
	if i, ok := s.find(code); ok {
		w.known = s.concepts().list[i].node
	}
	return w
}

// listed returns the entry of a set that lists the code itself.
func (s *set) listed(c code) fhir.Node {
	for _, clause := range s.rules().include {
		if n, ok := clause.codes[clause.key(c.code)]; ok && clause.system == c.system {
			return n
		}
	}
	return fhir.Node{}
}

// judge looks at display and kind of a code that is a member.
func (w wording) judge(c code, language string, abstract bool) verdict {
	v := verdict{answer: yes, display: w.display(language)}
	switch {
	case !abstract && isAbstract(w.known):
		v.answer, v.message = no, isAbstractCode
	case c.display != "" && v.display != "" && !w.says(c.display):
		v.answer, v.message = no, isOther
	}
	return v
}

// answered judges each code: one that is in suffices, one that nobody can judge leaves it open.
func answered(codes []code, judge func(code) verdict) (any, error) {
	best := verdict{answer: no, message: isNot}
	for i, c := range codes {
		v := judge(c)
		if i == 0 || v.answer > best.answer {
			best = v
		}
	}
	if best.answer == unknown {
		return nil, undecided(cannotSay)
	}
	if best.answer == yes {
		best.message = ""
	}
	out := result(best.answer == yes, best.message)
	if best.display != "" {
		out = append(out, parameter{Name: "display", ValueString: best.display})
	}
	return parameters{"Parameters", out}, nil
}
