package ecomap

// Style is how a network is shown. The zero Style is the plain picture in Dutch.
type Style struct {
	Language string // one of Languages; "" and others: nl
	Detail   bool   // with what each helper carries, and what the signs mean
}

// Languages in which a network is shown. The first is that of who does not say. Read only.
var Languages = []string{"nl", "sv", "en"}

// words are all that a picture and its table say in one language. Codes are called as in the published lists.
type words struct {
	title, unnamed, members, on string
	columns                     [6]string
	kinds, strengths, offers    map[string]string // by code; one that is not here stands for itself
	circles                     [4]string
	directions                  map[string]string
	load                        string // heading of what a helper carries
	loads                       [5]string
	loadOf                      string // of a step and its word
	who, between, inward        string // headings of what signs mean
	ties                        [3]string
}

// wordsOf returns the words of a language.
func wordsOf(language string) words {
	if w, ok := languages[language]; ok {
		return w
	}
	return languages[Languages[0]]
}

// in returns what a code is called.
func in(names map[string]string, code string) string {
	if name, ok := names[code]; ok {
		return name
	}
	return code
}

var languages = map[string]words{
	"nl": {
		title: "Netwerk van %s", unnamed: "Netwerk van het kind", members: "%d leden in %d kringen", on: " op ",
		columns:    [6]string{"Naam", "Soort", "Kring", "Band", "Richting", "Aanbod"},
		circles:    [4]string{"intiem", "vriendschap", "participatie", "uitwisseling"},
		directions: map[string]string{"naar-client": "naar het kind", "van-client": "van het kind", "wederzijds": "wederzijds"},
		load:       "Belasting", loads: [5]string{"geen", "licht", "merkbaar", "zwaar", "overbelast"}, loadOf: "%d van 4, %s",
		who: "Wie", between: "Band tussen leden", inward: "Kringen, van binnen naar buiten", ties: [3]string{"Lid", "Lid", "Band"},
	},
	"sv": {
		title: "Nätverk kring %s", unnamed: "Nätverk kring barnet", members: "%d medlemmar i %d cirklar", on: " den ",
		columns: [6]string{"Namn", "Typ", "Cirkel", "Band", "Riktning", "Erbjuder"},
		kinds: map[string]string{
			"familie": "familj", "vriend": "vän", "buur": "granne", "vrijwilliger": "volontär", "lotgenoot": "i samma situation",
			"professional": "yrkesperson", "organisatie": "organisation",
		},
		strengths: map[string]string{"sterk": "stark", "matig": "måttlig", "zwak": "svag", "gespannen": "spänd", "verbroken": "bruten"},
		offers: map[string]string{
			"vervoer": "transport", "oppas": "barnpassning", "boodschappen": "inköp", "koken": "matlagning", "administratie": "administration",
			"gezelschap": "sällskap", "praktisch-thuis": "praktisk hjälp hemma", "zorg-onder-instructie": "omsorg under instruktion",
			"meedenken": "bollplank", "pleegzorg-weekend": "kontaktfamilj på helger", "professionele-zorg": "professionell vård",
		},
		circles:    [4]string{"närmast", "vänskap", "delaktighet", "utbyte"},
		directions: map[string]string{"naar-client": "till barnet", "van-client": "från barnet", "wederzijds": "ömsesidig"},
		load:       "Belastning", loads: [5]string{"ingen", "lätt", "märkbar", "tung", "överbelastad"}, loadOf: "%d av 4, %s",
		who: "Vem", between: "Band mellan medlemmar", inward: "Cirklar, inifrån och ut", ties: [3]string{"Medlem", "Medlem", "Band"},
	},
	"en": {
		title: "Network of %s", unnamed: "Network of the child", members: "%d members in %d circles", on: " on ",
		columns: [6]string{"Name", "Kind", "Circle", "Tie", "Direction", "Offers"},
		kinds: map[string]string{
			"familie": "family", "vriend": "friend", "buur": "neighbour", "vrijwilliger": "volunteer", "lotgenoot": "peer",
			"professional": "professional", "organisatie": "organisation",
		},
		strengths: map[string]string{"sterk": "strong", "matig": "moderate", "zwak": "weak", "gespannen": "tense", "verbroken": "broken"},
		offers: map[string]string{
			"vervoer": "transport", "oppas": "child minding", "boodschappen": "shopping", "koken": "cooking", "administratie": "administration",
			"gezelschap": "company", "praktisch-thuis": "practical help at home", "zorg-onder-instructie": "care under instruction",
			"meedenken": "thinking along", "pleegzorg-weekend": "weekend foster care", "professionele-zorg": "professional care",
		},
		circles:    [4]string{"intimate", "friendship", "participation", "exchange"},
		directions: map[string]string{"naar-client": "towards the child", "van-client": "from the child", "wederzijds": "mutual"},
		load:       "Load", loads: [5]string{"none", "light", "noticeable", "heavy", "overloaded"}, loadOf: "%d of 4, %s",
		who: "Who", between: "Tie between members", inward: "Circles, from the inside out", ties: [3]string{"Member", "Member", "Tie"},
	},
}
