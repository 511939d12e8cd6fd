package exchange

import (
	"errors"

	"github.com/drieluik/drieluik/fhir"
)

// blockTexts say what to do about the refusal of a block (spärr), by its reason.
var blockTexts = map[string]fhir.Issue{
	"write-not-custodian": {
		Text: "A block hides what its writer keeps: name stored resources of your own organisation alone in provision.data. Who keeps the others blocks them; ask there.",
		In: fhir.Translations{
			NL: "Een blokkade verbergt wat de schrijver zelf bewaart: noem in provision.data alleen opgeslagen gegevens van uw eigen organisatie. Wie de andere bewaart, blokkeert die; vraag het daar.",
			SV: "En spärr döljer det som skribenten själv förvarar: ange i provision.data bara lagrade uppgifter hos den egna organisationen. Den som förvarar de andra spärrar dem; fråga där.",
		},
	},
	"write-role": {
		Text: "A block is given by the child at its age, by a guardian where the law has it so, who is among its performers, or on their behalf by the care provider that keeps the data: ask there. Against sharing by consent a guardian objects with a Consent of type deny without this category.",
		In: fhir.Translations{
			NL: "Een blokkade geeft het kind op zijn leeftijd, een gezagdrager waar de wet dat toelaat, die zelf bij performer staat, of voor hen de zorgaanbieder die de gegevens bewaart: vraag het daar. Tegen delen op toestemming maakt een gezagdrager bezwaar met een Consent van type deny zonder deze categorie.",
			SV: "Barnet självt spärrar vid sin ålder, en vårdnadshavare där lagen medger det, som då står bland performer, eller för dem den vårdgivare som förvarar uppgifterna: fråga där. Mot delning med samtycke invänder en vårdnadshavare med ett Consent av typen deny utan denna kategori.",
		},
	},
}

// ofBlock says of a refused block what to do.
func ofBlock(w *Write, refused error) error {
	var e *fhir.Error
	if refused == nil || w.Facts.Consent == nil || !w.Facts.Consent.Block || !errors.As(refused, &e) || len(e.Issues) != 1 {
		return refused
	}
	if say, ok := blockTexts[e.Reason]; ok {
		e.Issues[0].Text, e.Issues[0].In = say.Text, say.In
	}
	return refused
}
