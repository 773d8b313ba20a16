package audit

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestEveryFieldThatIsCalledPersonalIsCommitted compares the comments in event.go with the
// fields that personal visits, and the pointers with the body.
func TestEveryFieldThatIsCalledPersonalIsCommitted(t *testing.T) {
	called := calledPersonal(t)
	for _, e := range []Event{fullSignIn(), fullChange()} {
		b, err := json.Marshal(body{e.CorrelationID, e.SignIn, e.Change})
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		e.personal(func(pointer, _ string, field *string) {
			if lookUp(doc, pointer) != *field {
				t.Errorf("%s leads to %v, the field is %q", pointer, lookUp(doc, pointer), *field)
			}
			delete(called, *field)
		})
	}
	for field := range called {
		t.Errorf("%s is called personal and stays readable in the body", field)
	}
}

// calledPersonal returns the fields with "personal" in their comment, as Type.Field.
func calledPersonal(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	called := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		typ, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := typ.Type.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				said := strings.ToLower(f.Comment.Text() + f.Doc.Text())
				if strings.Contains(said, "personal") {
					called[typ.Name.Name+"."+f.Names[0].Name] = true
				}
			}
		}
		return false
	})
	if len(called) < 15 {
		t.Fatalf("only %d fields are called personal", len(called))
	}
	return called
}

func fullSignIn() Event {
	var e Event
	e.SignIn = &SignIn{Details: make([]AuthenticationDetail, 2)}
	fill(reflect.ValueOf(e.SignIn).Elem())
	return e
}

func fullChange() Event {
	var e Event
	e.Change = &Change{By: Actor{User: &UserActor{}, App: &AppActor{}}, Targets: make([]Target, 2), Details: make([]KeyValue, 2)}
	for i := range e.Change.Targets {
		e.Change.Targets[i].Modified = make([]ModifiedProperty, 2)
	}
	fill(reflect.ValueOf(e.Change).Elem())
	return e
}

// fill sets every string in v to the name of its type and field.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case f.Kind() == reflect.String:
			f.SetString(v.Type().Name() + "." + v.Type().Field(i).Name)
		case f.Kind() == reflect.Pointer && !f.IsNil():
			fill(f.Elem())
		case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]():
			fill(f)
		case f.Kind() == reflect.Slice:
			for j := range f.Len() {
				fill(f.Index(j))
			}
		}
	}
}
