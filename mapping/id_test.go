package mapping_test

import (
	"testing"

	"github.com/drieluik/drieluik/mapping"
)

func TestIDsAreThoseOfThePublishedExample(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"Patient/90000001/ecd/K-1001":                                  "857f7414-61fd-5f7b-8cc1-57f7dccedb87",
		"CarePlan/90000001/ecd/zorgplan/zp-1001":                       "8c0b0cd2-d110-52f4-95df-b7854d1e51bf",
		"CarePlan/90000001/ecd/zorgplan/zp-1001/concept":               "0d119d1f-a323-5ab3-927c-f715c79f2867",
		"Composition/90000002/epd/overdracht/ovd-2001":                 "e2a25bed-6435-5c5a-9e4d-46086152a070",
		"QuestionnaireResponse/90000001/ecd/hulpbehoeftescan/hbs-1002": "2424546c-b0f4-5b0c-9179-c75aa3d0e996",
	} {
		if got := mapping.ID(key); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}
