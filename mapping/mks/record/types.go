package record

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/drieluik/drieluik/mapping/form"
)

// Simple types of mks.md 2.1. The rule of a broken format is MKS-ENV-02, of a number that identifies
// somebody MKS-ENV-05 or MKS-ENV-06.
var (
	Str      = form.Text(500, broken).Named("str")
	text     = form.Text(20000, broken).Named("text")
	ident    = form.Pattern(`[A-Za-z0-9._-]{1,64}`, broken).Named("id")
	slug     = form.Pattern(`[a-z0-9-]{1,32}`, broken).Named("slug")
	language = form.Pattern(`[a-z]{2}`, broken).Named("iso639")
	country  = form.Pattern(`[A-Z]{2}`, broken).Named("land")
	orgType  = form.Pattern(`[A-Z][0-9A-Z]{1,3}`, broken).Named("orgtype")
	uziRol   = form.Pattern(`[0-9]{2}\.[0-9]{3}`, broken).Named("uzirol")
	sct      = form.Pattern(`[0-9]{6,18}`, broken).Named("sct")
	ura      = form.Pattern(`[0-9]{8}`, "MKS-ENV-06").Named("ura")
	agb      = form.Pattern(`[0-9]{8}`, "MKS-ENV-06").Named("agb")
	big      = form.Pattern(`[0-9]{11}`, "MKS-ENV-06").Named("big")
	uzovi    = form.Pattern(`[0-9]{4}`, "MKS-ENV-06").Named("uzovi")
	bsn      = form.BSN("MKS-ENV-05").Named("bsn")
	date     = form.Date(broken).Named("date")
	pdate    = form.PartialDate(broken).Named("pdate")
	instant  = form.Instant(broken).Named("dt")
	clock    = form.Pattern(`([01][0-9]|2[0-3]):[0-5][0-9]`, broken).Named("time")
	boolean  = form.Bool()
	number   = form.Number()
	positive = form.Above(broken)
	// meting is one measurement.
	meting = form.Object(form.F("waarde", "1", number), form.F("op", "1", instant)).Named("meting")
	// codering is a free coding: at least one of the code systems, or text.
	codering = form.Object(form.F("sct", "0..1", Str), form.F("omaha", "0..1", Str), form.F("icf", "0..1", Str), form.F("noc", "0..1", Str),
		form.F("nic", "0..1", Str), form.F("nanda", "0..1", Str), form.F("icd10", "0..1", Str), form.F("tekst", "0..1", Str)).
		AtLeastOne().Named("codering")
)

// The rules of a wrong type or format, and of a code that its closed list lacks.
const (
	broken   = "MKS-ENV-02"
	unlisted = "MKS-ENV-03"
)

// code is one code of any of the closed lists.
func code(names ...string) form.Type {
	var of []form.List
	for _, name := range names {
		of = append(of, List(name))
	}
	return form.Code(unlisted, of...)
}

// integer is a whole number from low to high.
func integer(low, high int64) form.Type { return form.Integer(low, high, broken) }

// ref is a reference to a member of the lists of the kind record: bet, med, org, kind.
func ref(kinds ...string) form.Type {
	about := fmt.Sprintf("Reference: the local id of %v in the kind record, or for an organisation ura: and its number.", kinds)
	return Str.Refs(about, kinds...).Named("ref-" + strings.Join(kinds, "-"))
}

// UraNumber is what stands behind "ura:" in a reference.
var UraNumber = regexp.MustCompile(`^[0-9]{8}$`)

// PlainCode is what a FHIR code can hold.
var PlainCode = regexp.MustCompile(`^\S+(\s\S+)*$`)
