package mks_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
)

// scanRuleCases change the repeated scan of Boris so that one rule fires.
var scanRuleCases = []struct {
	name   string
	change func(doc, in map[string]any)
	want   planFinding
}{
	{"no domains", func(_, in map[string]any) { delete(in, "domeinen") },
		planFinding{fhir.SeverityError, "MKS-HBS-01", "/inhoud/domeinen"}},
	{"a domain twice", func(_, in map[string]any) {
		scanDomain(in, 3)["domein"], scanDomain(in, 3)["behoeften"] = "sociaal", []any{}
	}, planFinding{fhir.SeverityError, "MKS-HBS-01", "/inhoud/domeinen"}},
	{"an item of another domain", func(_, in map[string]any) {
		scanNeed(in, 0, 7)["item"], scanDomain(in, 3)["behoeften"] = "hbs.ont.spel", scanDomain(in, 3)["behoeften"].([]any)[1:]
	}, planFinding{fhir.SeverityError, "MKS-HBS-02", "/inhoud/domeinen/0/behoeften/7/item"}},
	{"an item that nobody knows", func(_, in map[string]any) { scanNeed(in, 2, 5)["item"] = "hbs.soc.hond" },
		planFinding{fhir.SeverityError, "MKS-HBS-02", "/inhoud/domeinen/2/behoeften/5/item"}},
	{"an item twice", func(_, in map[string]any) { scanNeed(in, 0, 7)["item"] = "hbs.med.huid" },
		planFinding{fhir.SeverityError, "MKS-HBS-03", "/inhoud/domeinen/0/behoeften/7/item"}},
	{"an id twice", func(_, in map[string]any) { scanNeed(in, 2, 1)["id"] = "b1" },
		planFinding{fhir.SeverityError, "MKS-ENV-14", "/inhoud/domeinen"}},
	{"not heard without a reason", func(_, in map[string]any) { delete(sub(in, "kindGehoord"), "reden") },
		planFinding{fhir.SeverityError, "MKS-HBS-04", "/inhoud/kindGehoord"}},
	{"repeated without the one before", func(_, in map[string]any) { delete(in, "vorigeScan") },
		planFinding{fhir.SeverityWarning, "MKS-HBS-06", "/inhoud/vorigeScan"}},
	{"partly taken over without a word", func(_, in map[string]any) { delete(scanNeed(in, 0, 1), "toelichting") },
		planFinding{fhir.SeverityWarning, "MKS-HBS-07", "/inhoud/domeinen/0/behoeften/1/toelichting"}},
	{"wholly taken over without a word", func(_, in map[string]any) { scanNeed(in, 3, 1)["niveau"] = "4" },
		planFinding{fhir.SeverityWarning, "MKS-HBS-07", "/inhoud/domeinen/3/behoeften/1/toelichting"}},
	{"a need of a parent", func(_, in map[string]any) { scanNeed(in, 1, 0)["over"] = "bet-02" },
		planFinding{fhir.SeverityInformation, "MKS-HBS-08", "/inhoud/domeinen/1/behoeften/0/over"}},
	{"an item less", func(_, in map[string]any) {
		scanDomain(in, 3)["behoeften"] = scanDomain(in, 3)["behoeften"].([]any)[:6]
	},
		planFinding{fhir.SeverityInformation, "MKS-HBS-09", "/inhoud/domeinen"}},
	{"held after it was recorded", func(_, in map[string]any) { in["afgenomenOp"] = []any{"2026-07-06", "2026-07-05"} },
		planFinding{fhir.SeverityError, "MKS-HBS-10", "/inhoud/afgenomenOp/0"}},
	{"a need of somebody unknown", func(_, in map[string]any) { scanNeed(in, 1, 0)["over"] = "bet-99" },
		planFinding{fhir.SeverityError, "MKS-REF-02", "/inhoud/domeinen/1/behoeften/0/over"}},
	{"a need of a nurse", func(_, in map[string]any) { scanNeed(in, 1, 0)["over"] = "med-01" },
		planFinding{fhir.SeverityError, "MKS-REF-03", "/inhoud/domeinen/1/behoeften/0/over"}},
	{"priority nought", func(_, in map[string]any) { scanNeed(in, 0, 0)["prioriteit"] = 0 },
		planFinding{fhir.SeverityError, "MKS-ENV-02", "/inhoud/domeinen/0/behoeften/0/prioriteit"}},
}

func TestScanRules(t *testing.T) {
	t.Parallel()
	k := homeChild(t).stored
	_, _, plain := submit(t, k, sample(t, borisScan))
	known := planFindings(plain, "")
	if d := cmp.Diff([]planFinding{{fhir.SeverityInformation, "MKS-HBS-08", "/inhoud/domeinen/2/behoeften/0/over"}}, known); d != "" {
		t.Errorf("the sample (-want +got):\n%s", d)
	}
	for _, row := range scanRuleCases {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, _, issues := submit(t, k, planEdited(t, borisScan, row.change))
			got := planFindings(issues, "")
			if !slices.Contains(got, row.want) {
				t.Errorf("got %v, want %v among them", got, row.want)
			}
			for _, f := range got {
				if f.Severity == fhir.SeverityError && f != row.want && f.Rule != "MKS-REF-03" && f.Rule != "MKS-REF-02" {
					t.Errorf("besides it %v", f)
				}
			}
		})
	}
}

func TestAChildOfTwelveOrOlderIsHeard(t *testing.T) {
	t.Parallel()
	unheard := planEdited(t, sanneScan, func(_, in map[string]any) { in["kindGehoord"] = map[string]any{"ja": false, "reden": "ziek"} })
	want := planFinding{fhir.SeverityWarning, "MKS-HBS-05", "/inhoud/kindGehoord"}
	for name, row := range map[string]struct {
		birth string
		fires bool
	}{
		"thirteen": {"2013-02-14", true}, "twelve on that day": {"2014-08-26", true}, "the day before": {"2014-08-27", false},
	} {
		c := planOf(t)
		c.store(planEdited(t, "sanne/01-kind.json", func(_, in map[string]any) { in["geboortedatum"] = row.birth }))
		_, _, issues := c.try(unheard)
		if got := slices.Contains(planFindings(issues, ""), want); got != row.fires {
			t.Errorf("%s: fired is %v", name, got)
		}
	}
	_, _, issues := planOf(t).try(unheard)
	if slices.Contains(planFindings(issues, ""), want) {
		t.Error("the age of a child that the sender has not told of is used")
	}
}
