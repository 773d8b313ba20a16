package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

// MailTemplates is the noun below `postern mail` that says what mails say.
func MailTemplates() *cobra.Command {
	return program.Noun("template", "What mails say, in your own words", mailTemplateList(), mailTemplateShow(), mailTemplateSet(), mailTemplatePreview(), mailTemplateReset())
}

func mailTemplateList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the kinds of mail, and the languages with words of your own", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.MailTemplates(c.Context()), 0, column{"KIND", "id"}, column{"OWN WORDS", "languages"}, column{"HAS TO HAVE", "requiredPlaceholders"})
	})
}

// words are the flags that say which words of a mail are meant, and what they are.
type words struct {
	language, subject, body, notice string
}

func (w *words) add(c *cobra.Command, draft bool) {
	c.Flags().StringVar(&w.language, "language", "default", "`LANGUAGE` such as de-AT; default is for whoever no other one is for")
	if !draft {
		return
	}
	c.Flags().StringVar(&w.subject, "subject", "", "the subject, a `TEXT` of one line")
	c.Flags().StringVar(&w.body, "body-file", "", "`FILE` with the body, paragraphs with empty lines between; - is stdin")
	c.Flags().StringVar(&w.notice, "notice-file", "", "`FILE` with the notice, for a language that the product does not write; - is stdin")
}

// said returns the words that the flags give.
func (w *words) said(c *cobra.Command) (graphclient.Object, error) {
	in := graphclient.Object{}
	if c.Flags().Changed("subject") {
		in["subject"] = w.subject
	}
	for _, one := range []struct{ flag, name, file string }{{"body-file", "body", w.body}, {"notice-file", "notice", w.notice}} {
		if !c.Flags().Changed(one.flag) {
			continue
		}
		raw, err := readFile(c.InOrStdin(), one.file)
		if err != nil {
			return nil, err
		}
		in[one.name] = strings.TrimSpace(string(raw))
	}
	return in, nil
}

// text prints lines as they are, and parts with an empty line between.
func (e *env) text(parts ...string) error {
	for i, one := range parts {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		if i > 0 {
			one = "\n" + one
		}
		for line := range strings.SplitSeq(one, "\n") {
			if err := e.result(strings.TrimSuffix(line, "\r")); err != nil {
				return err
			}
		}
	}
	return nil
}

func mailTemplateShow() *cobra.Command {
	var w words
	c := &cobra.Command{Use: "show KIND [--language LANGUAGE]", Short: "Show the words of a kind of mail, or those that hold in their place", Args: cobra.ExactArgs(1)}
	w.add(c, false)
	return verb(c, func(e *env, args []string) error {
		kind, err := e.graph.MailTemplate(c.Context(), args[0])
		if err != nil {
			return err
		}
		t, err := e.graph.MailTranslation(c.Context(), args[0], w.language)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(t)
		}
		if t.Text("isOwn") != "true" {
			e.say("There are no words for this language; these hold in their place.")
		}
		e.say("Placeholders: %s. The body has to have: %s.", shown(kind, "placeholders"), or(shown(kind, "requiredPlaceholders"), "none"))
		return e.text(t.Text("subject"), t.Text("body"), t.Text("notice"))
	})
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func mailTemplateSet() *cobra.Command {
	var w words
	c := &cobra.Command{
		Use: "set KIND [--language LANGUAGE]", Short: "Put a kind of mail into your own words", Args: cobra.ExactArgs(1),
		Example: "  postern mail template set passIssued --language fr --subject \"Un pass pour {{recipientDisplayName}}\" --body-file pass.fr.txt",
	}
	w.add(c, true)
	return verb(c, func(e *env, args []string) error {
		in, err := w.said(c)
		if err != nil {
			return err
		}
		if len(in) == 0 {
			return program.Usagef("Say what it says: --subject, --body-file or --notice-file.")
		}
		return e.graph.PatchMailTranslation(c.Context(), args[0], w.language, in)
	})
}

func mailTemplatePreview() *cobra.Command {
	var w words
	var html, toMe bool
	c := &cobra.Command{Use: "preview KIND [--language LANGUAGE]", Short: "Show a mail with sample values, as kept or as a draft", Args: cobra.ExactArgs(1)}
	w.add(c, true)
	c.Flags().BoolVar(&html, "html", false, "print the HTML instead of the text")
	c.Flags().BoolVar(&toMe, "to-me", false, "send it to yourself, too")
	return verb(c, func(e *env, args []string) error {
		in, err := w.said(c)
		if err != nil {
			return err
		}
		in["kind"], in["language"] = args[0], w.language
		m, err := e.graph.PreviewMail(c.Context(), in)
		if err != nil {
			return err
		}
		if toMe {
			if err := e.graph.TestMailTemplate(c.Context(), in); err != nil {
				return err
			}
			e.say("It is on its way to you.")
		}
		switch {
		case e.json:
			return e.printJSON(m)
		case html:
			return e.text(m.Text("html"))
		}
		return e.text(m.Text("subject"), m.Text("text"))
	})
}

func mailTemplateReset() *cobra.Command {
	var w words
	c := &cobra.Command{Use: "reset KIND [--language LANGUAGE]", Short: "Take your words away; the next best hold again", Args: cobra.ExactArgs(1)}
	w.add(c, false)
	return verb(c, func(e *env, args []string) error {
		return e.graph.ResetMailTranslation(c.Context(), args[0], w.language)
	})
}
