package validate

// isDate admits YYYY, YYYY-MM and YYYY-MM-DD.
func isDate(s string) bool {
	switch len(s) {
	case len("2006"):
		return isYear(s)
	case len("2006-01"):
		return isYear(s[:4]) && s[4] == '-' && isMonth(s[5:])
	case len("2006-01-02"):
		return isDay(s)
	}
	return false
}

// isDateTime admits a date, or a day with time and zone.
func isDateTime(s string) bool {
	if len(s) > len("2006-01-02") {
		return isInstant(s)
	}
	return isDate(s)
}

// isInstant admits a day with time to the second or finer, and zone.
func isInstant(s string) bool {
	const day, second = len("2006-01-02"), len("2006-01-02T15:04:05")
	if len(s) <= second || s[day] != 'T' || !isDay(s[:day]) || !isClock(s[day+1:second]) {
		return false
	}
	return isZone(s[second+fraction(s[second:]):])
}

// isTime admits a time to the second or finer.
func isTime(s string) bool {
	const second = len("15:04:05")
	return len(s) >= second && isClock(s[:second]) && fraction(s[second:]) == len(s)-second
}

// fraction returns the length of a leading decimal fraction, such as ".123", or 0.
func fraction(s string) int {
	if len(s) < 2 || s[0] != '.' {
		return 0
	}
	n := digits(s[1:])
	if n == 0 {
		return 0
	}
	return n + 1
}

// isZone admits Z and offsets up to 14 hours.
func isZone(s string) bool {
	if s == "Z" {
		return true
	}
	if len(s) != len("+01:00") || (s[0] != '+' && s[0] != '-') || s[3] != ':' {
		return false
	}
	h, m := two(s[1:]), two(s[4:])
	return h >= 0 && m >= 0 && (h < 14 && m < 60 || h == 14 && m == 0)
}

// isClock admits hh:mm:ss, with a leap second.
func isClock(s string) bool {
	if s[2] != ':' || s[5] != ':' {
		return false
	}
	h, m, sec := two(s), two(s[3:]), two(s[6:])
	return h >= 0 && h < 24 && m >= 0 && m < 60 && sec >= 0 && sec <= 60
}

// isDay admits YYYY-MM-DD that stands in the calendar.
func isDay(s string) bool {
	if !isYear(s[:4]) || s[4] != '-' || !isMonth(s[5:7]) || s[7] != '-' {
		return false
	}
	day := two(s[8:])
	return day >= 1 && day <= daysIn(two(s)*100+two(s[2:]), two(s[5:]))
}

func isYear(s string) bool { return digits(s) == len(s) && s != "0000" }

func isMonth(s string) bool {
	m := two(s)
	return m >= 1 && m <= 12
}

// two returns the number of the first two characters, or -1 when they are not digits.
func two(s string) int {
	if s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return -1
	}
	return int(s[0]-'0')*10 + int(s[1]-'0')
}

// daysIn returns the number of days of a month.
func daysIn(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	if month == 4 || month == 6 || month == 9 || month == 11 {
		return 30
	}
	return 31
}
