// Renders templates with Go and sprig: reads JSON lines {"template": text, "data": {name: base64}} and answers each with
// a line {"result": base64} or {"error": text, "class": "parse" or "execution"}. A line without data is rendered with
// the data of the line before. The clock stands still. With the word `methods` as argument it lists the methods of all
// values that templates can get, with the name of a file it says how many microseconds the template in it takes.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

type question struct {
	Template string            `json:"template"`
	Data     map[string]string `json:"data"`
}

type answer struct {
	Result []byte `json:"result"`
	Error  string `json:"error,omitempty"`
	Class  string `json:"class,omitempty"`
}

func render(asked question, functions template.FuncMap) (result answer) {
	data := map[string]string{"out": asked.Template}
	for name, value := range asked.Data {
		bytes, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			panic(err)
		}
		data[name] = string(bytes)
	}
	parsed, err := template.New("out").Funcs(functions).Parse(asked.Template)
	if err != nil {
		return answer{Error: err.Error(), Class: "parse"}
	}
	// What panics outside of a function fails here, too.
	defer func() {
		if problem := recover(); problem != nil {
			result = answer{Error: fmt.Sprint(problem), Class: "panic"}
		}
	}()
	var out bytes.Buffer
	if err := parsed.Execute(&out, data); err != nil {
		return answer{Error: err.Error(), Class: "execution"}
	}
	return answer{Result: out.Bytes()}
}

func measure(path string, functions template.FuncMap) {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	data := map[string]string{}
	for name, value := range map[string]string{"user": "admin", "password": "hunter2&<>", "host": "db.shop.test", "port": "5432"} {
		data[name] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	asked := question{Template: string(text), Data: data}
	best := time.Hour
	for round := 0; round < 9; round++ {
		started := time.Now()
		for run := 0; run < 20000; run++ {
			render(asked, functions)
		}
		best = min(best, time.Since(started)/20000)
	}
	fmt.Println(float64(best.Nanoseconds()) / 1000)
}

func main() {
	functions := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(functions, name)
	}
	if len(os.Args) > 1 && os.Args[1] == "methods" {
		listMethods(functions)
		return
	}
	stopClock(functions)
	boundLists(functions)
	if len(os.Args) > 1 {
		measure(os.Args[1], functions)
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	answers := json.NewEncoder(os.Stdout)
	var data map[string]string
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if asked.Data == nil {
			asked.Data = data
		}
		data = asked.Data
		if err := answers.Encode(render(asked, functions)); err != nil {
			panic(err)
		}
	}
}
