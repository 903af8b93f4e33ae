package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/semver/v3"
)

// The types of values that have methods or fields, by the letter of their kind in arguments.txt.
func receivers(functions template.FuncMap) [][2]any {
	version := semver.MustParse("1.2.3")
	_, number := strconv.ParseUint("x", 10, 64)
	return [][2]any{
		{"T", time.Time{}},
		{"D", time.Duration(0)},
		{"M", time.January},
		{"W", time.Sunday},
		{"L", time.UTC},
		{"P", version},
		{"Q", *version},
		{"E", errors.New("")},
		{"E", fmt.Errorf("%w", number)},
		{"E", number},
		{"E", &json.SyntaxError{}},
		{"E", &json.UnmarshalTypeError{}},
		{"H", reflect.New(reflect.TypeOf(functions["genCA"]).Out(0)).Elem().Interface()},
	}
}

var letters = map[string]string{
	"time.Time": "T", "time.Duration": "D", "*time.Location": "L", "*semver.Version": "P", "int": "n", "string": "s",
	"[]uint8": "B", "interface {}": "a",
}

// Lists every method and field that a template can name: the receiver's kind, the name, the kinds of the arguments,
// the type and what is returned.
func listMethods(functions template.FuncMap) {
	fmt.Println("# Made by `go run . methods`: the receiver's kind (arguments.txt), the name, its arguments' kinds, and the Go type.")
	for _, receiver := range receivers(functions) {
		kind := reflect.TypeOf(receiver[1])
		for index := range kind.NumMethod() {
			method := kind.Method(index)
			arguments := ""
			for parameter := 1; parameter < method.Type.NumIn(); parameter++ {
				arguments += letters[method.Type.In(parameter).String()]
			}
			if arguments == "" {
				arguments = "-"
			}
			results := []string{}
			for result := range method.Type.NumOut() {
				results = append(results, method.Type.Out(result).String())
			}
			fmt.Printf("%s %s %s %v.%s() (%s)\n", receiver[0], method.Name, arguments, kind, method.Name, strings.Join(results, ", "))
		}
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		if kind.Kind() == reflect.Struct {
			for index := range kind.NumField() {
				field := kind.Field(index)
				fmt.Printf("%s %s - %v.%s %v\n", receiver[0], field.Name, kind, field.Name, field.Type)
			}
		}
	}
}
