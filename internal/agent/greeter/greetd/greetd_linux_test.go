package greetd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/greeter/greetd"
	"github.com/postern-id/postern/internal/agent/linux/linuxtest"
)

// TestRealGreetd runs Debian's greetd with this client as its greeter.
func TestRealGreetd(t *testing.T) { linuxtest.Outer(t) }

// asGreeter names, in a greeter that greetd started, the file with what to try.
const asGreeter = "POSTERN_TEST_GREETER"

// A try is one session that the greeter asks for.
type try struct {
	User    string
	Answers []string
}

// TestMain is the greeter, where greetd started it.
func TestMain(m *testing.M) {
	if file := os.Getenv(asGreeter); file != "" {
		if err := greet(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func greet(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var all []try
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	c, err := greetd.Dial(context.Background(), os.Getenv("GREETD_SOCK"))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	out := filepath.Dir(file)
	for _, one := range all {
		err := c.Open(context.Background(), one.User, func(m greetd.Message) (string, error) {
			fmt.Fprintf(os.Stderr, "asked %s %q\n", m.Kind, m.Text)
			if len(one.Answers) == 0 {
				return "", errors.New("no more answers")
			}
			text := one.Answers[0]
			one.Answers = one.Answers[1:]
			return text, nil
		}, []string{filepath.Join(filepath.Dir(out), "session")}, []string{"SEEN=yes"})
		fmt.Fprintf(os.Stderr, "%s: %v\n", one.User, err)
	}
	return nil
}

func TestInsideASessionOpensAfterAWrongAnswer(t *testing.T) {
	linuxtest.Inner(t)
	linuxtest.Need(t, "/usr/sbin/greetd")
	// As Debian has it, but without login's delays.
	linuxtest.Write(t, "/etc/pam.d/greetd", "@include common-auth\n@include common-account\n@include common-session\n", 0o644)
	out := linuxtest.Folder(t, "_greetd")
	write := func(name, text string, mode os.FileMode) {
		linuxtest.Write(t, filepath.Join(out, name), text, mode)
	}
	tries, err := json.Marshal([]try{
		{"kim", []string{"not her password"}},
		{"kim", nil}, // who walks away
		{"kim", []string{"kims-password"}},
	})
	linuxtest.Must(t, err)
	self := linuxtest.Self(t, out)
	write("tries", string(tries), 0o644)
	session := filepath.Join(filepath.Dir(out), "session")
	linuxtest.Write(t, session, "#!/bin/sh\necho \"I am $(id -un), $SEEN\" >"+session+"-of-kim\n", 0o755)
	linuxtest.Write(t, session+"-of-kim", "", 0o666)
	write("start", "#!/bin/sh\n"+asGreeter+"="+out+"/tries exec "+self+" 2>"+out+"/said\n", 0o755)
	write("greetd.toml", "[terminal]\nvt = \"none\"\n[general]\nsource_profile = false\n[default_session]\ncommand = \""+out+"/start\"\nuser = \"_greetd\"\n", 0o644)
	linuxtest.Greetd(t, filepath.Join(out, "greetd.toml"))
	linuxtest.Within(t, 20*time.Second, "a session", func() bool {
		text, _ := os.ReadFile(session + "-of-kim")
		return bytes.Contains(text, []byte("I am kim, yes"))
	})
	said, err := os.ReadFile(filepath.Join(out, "said"))
	linuxtest.Must(t, err)
	for _, want := range []string{`asked secret "Password: "`, "AUTH_ERR", "kim: no more answers", "kim: <nil>"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("the greeter did not see %s:\n%s", want, said)
		}
	}
}
