package main

import (
	"errors"
	"text/template"
	"time"
)

// The moment at which every template is rendered.
var moment = time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.Local)

func isDate(value any) bool {
	switch value.(type) {
	case time.Time, int64, int:
		return true
	}
	return false
}

// Stops the clock of the functions that read it. All else in them is as it was.
func stopClock(functions template.FuncMap) {
	date := func(value any) any {
		if isDate(value) {
			return value
		}
		return moment
	}
	functions["now"] = func() time.Time { return moment }
	inZone := functions["date"].(func(string, any) string)
	functions["date"] = func(layout string, value any) string { return inZone(layout, date(value)) }
	for _, name := range []string{"dateInZone", "date_in_zone"} {
		inner := functions[name].(func(string, any, string) string)
		functions[name] = func(layout string, value any, zone string) string { return inner(layout, date(value), zone) }
	}
	htmlDate := functions["htmlDate"].(func(any) string)
	functions["htmlDate"] = func(value any) string { return htmlDate(date(value)) }
	htmlDateInZone := functions["htmlDateInZone"].(func(any, string) string)
	functions["htmlDateInZone"] = func(value any, zone string) string { return htmlDateInZone(date(value), zone) }
	functions["ago"] = func(value any) string {
		switch value := date(value).(type) {
		case time.Time:
			return moment.Sub(value).Round(time.Second).String()
		case int64:
			return moment.Sub(time.Unix(value, 0)).Round(time.Second).String()
		case int:
			return moment.Sub(time.Unix(int64(value), 0)).Round(time.Second).String()
		}
		panic("no date")
	}
	durationRound := functions["durationRound"].(func(any) string)
	functions["durationRound"] = func(value any) string {
		if value, ok := value.(time.Time); ok {
			return durationRound(int64(moment.Sub(value)))
		}
		return durationRound(value)
	}
}

var errTooLong = errors.New(tooLong)

const tooLong = "longer than the oracle's memory"

// Refuses lists that no memory holds; the engine refuses shorter ones.
func boundLists(functions template.FuncMap) {
	untilStep := functions["untilStep"].(func(int, int, int) []int)
	functions["untilStep"] = func(start, stop, step int) ([]int, error) {
		if !bounded(start, stop, step) {
			return nil, errTooLong
		}
		return untilStep(start, stop, step), nil
	}
	until := functions["until"].(func(int) []int)
	functions["until"] = func(stop int) ([]int, error) {
		if stop > 1e7 || stop < -1e7 {
			return nil, errTooLong
		}
		return until(stop), nil
	}
	seq := functions["seq"].(func(...int) string)
	functions["seq"] = func(numbers ...int) (string, error) {
		for _, number := range numbers {
			if number > 1e7 || number < -1e7 {
				return "", errTooLong
			}
		}
		return seq(numbers...), nil
	}
	// A count of 1e10 asks for more memory than machines have.
	for _, name := range []string{"indent", "nindent", "repeat"} {
		repeat := functions[name].(func(int, string) string)
		functions[name] = func(count int, text string) (string, error) {
			if count > 1e7 {
				return "", errTooLong
			}
			return repeat(count, text), nil
		}
	}
}

func bounded(numbers ...int) bool {
	for _, number := range numbers {
		if number > 1e7 || number < -1e7 {
			return false
		}
	}
	return true
}
