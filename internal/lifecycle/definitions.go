package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox/letter"
)

// Ids of the built-in tasks, which are Entra's.
// https://learn.microsoft.com/entra/id-governance/lifecycle-workflow-tasks
const (
	GeneratePass    = "1b555e50-7f65-41d5-b514-5894a026d10d"
	WelcomeMail     = "70b29d51-b59a-4773-9280-8841dfd3f2ea"
	RemindManager   = "3c860712-2d37-42a4-928f-5c93935d26a1"
	AddToGroups     = "22085229-5809-45e8-97fd-270d28d66910"
	RemoveGroups    = "1953a66c-751c-45e5-8bfe-01462c70da3c"
	RemoveAllGroups = "b3a31406-2a15-4c9a-b25b-a658fa5f07fc"
	EnableAccount   = "6fc52c9d-398b-4305-9763-15f42c1676fc"
	DisableAccount  = "1dfdfcc7-52fa-4c2e-bf3a-e3919cc12950"
	MoveMail        = "aab41899-9972-422a-9d97-f626014578b7"
	BeforeLeaveMail = "52853a3e-f4e5-4eb8-bb24-1ac09a1da935"
	LeaveMail       = "9c0a1eaf-5bda-4392-9d9e-6e155bb57411"
	AfterLeaveMail  = "6f22ddd4-b3a5-47a4-a846-0d7c201a49ce"
	RunExtension    = "4262b724-8dba-4fad-afc3-43fcbb497a0e"
)

// Names of arguments.
const (
	argLifetime  = "tapLifetimeMinutes"
	argOnce      = "tapIsUsableOnce"
	argCC        = "cc"
	argSubject   = "customSubject"
	argBody      = "customBody"
	argLocale    = "locale"
	argGroups    = "groupID"
	argExtension = "customTaskExtensionID"
)

// A Definition is a kind of task.
type Definition struct {
	ID              string
	DisplayName     string
	Description     string
	Categories      []Category
	ContinueOnError bool // usual
	Parameters      []Parameter

	// do does the task, or says why it can't be done.
	do func(context.Context, *Engine, work) (Effect, error)
}

// A Parameter is an argument that a task takes.
type Parameter struct {
	Name      string
	ValueType string // enum, string, int or bool
	Values    []string
	Required  bool

	check func(value string) string // why it can't be that; empty when it can
}

var (
	mailParameters = []Parameter{
		{Name: argCC, ValueType: "string", check: checkIDs(25)},
		{Name: argSubject, ValueType: "string", check: checkTemplate},
		{Name: argBody, ValueType: "string", check: checkTemplate},
		{Name: argLocale, ValueType: "string", check: checkLocale},
	}
	anyTime = []Category{Joiner, Mover, Leaver}
	groups  = []Parameter{{Name: argGroups, ValueType: "string", Required: true, check: checkIDs(20)}}
)

// Definitions are the tasks that there are. A new task is a line here, and a function.
var definitions = []Definition{
	{
		ID: GeneratePass, DisplayName: "Generate Temporary Access Pass and send via email to user's manager",
		Description: "Makes a Temporary Access Pass for the person and tells their manager by mail.",
		Categories:  []Category{Joiner}, do: generatePass,
		Parameters: append([]Parameter{
			{Name: argLifetime, ValueType: "int", Required: true, check: checkLifetime},
			{Name: argOnce, ValueType: "bool", Required: true, Values: []string{"true", "false"}, check: checkBool},
		}, mailParameters...),
	},
	{
		ID: WelcomeMail, DisplayName: "Send Welcome Email", Description: "Welcomes the person by mail.",
		Categories: []Category{Joiner}, Parameters: mailParameters, do: mailTo(thePerson),
	},
	{
		ID: RemindManager, DisplayName: "Send onboarding reminder email", Description: "Reminds the manager by mail that somebody starts.",
		Categories: []Category{Joiner}, Parameters: mailParameters, do: mailTo(theManager),
	},
	{
		ID: AddToGroups, DisplayName: "Add user to groups", Description: "Makes the person a member of groups.",
		Categories: anyTime, Parameters: groups, do: addToGroups,
	},
	{
		ID: RemoveGroups, DisplayName: "Remove user from selected groups", Description: "Ends the person's membership of the groups that are named.",
		Categories: anyTime, Parameters: groups, do: removeFromGroups,
	},
	{
		ID: RemoveAllGroups, DisplayName: "Remove user from all groups", Description: "Ends the person's membership of all groups.",
		Categories: []Category{Leaver}, do: removeFromAllGroups,
	},
	{
		ID: EnableAccount, DisplayName: "Enable user account", Description: "Lets the person sign in.",
		Categories: []Category{Joiner, Leaver}, do: switchAccount(true),
	},
	{
		ID: DisableAccount, DisplayName: "Disable user account", Description: "Stops the person from signing in, and ends their sessions.",
		Categories: []Category{Joiner, Leaver}, do: switchAccount(false),
	},
	{
		ID: MoveMail, DisplayName: "Send email to notify manager of user move", Description: "Tells the manager by mail that the person has moved to them.",
		Categories: []Category{Mover}, Parameters: mailParameters, do: mailTo(theManager),
	},
	{
		ID: BeforeLeaveMail, DisplayName: "Send email before user's last day", Description: "Tells the manager by mail that the person will leave.",
		Categories: []Category{Leaver}, Parameters: mailParameters, do: mailTo(theManager),
	},
	{
		ID: LeaveMail, DisplayName: "Send email on user's last day", Description: "Tells the manager by mail that the person leaves today.",
		Categories: []Category{Leaver}, Parameters: mailParameters, do: mailTo(theManager),
	},
	{
		ID: AfterLeaveMail, DisplayName: "Send email after user's last day", Description: "Tells the manager by mail that the person has left.",
		Categories: []Category{Leaver}, Parameters: mailParameters, do: mailTo(theManager),
	},
	{
		ID: RunExtension, DisplayName: "Run a Custom Task Extension", Description: "Calls an extension of the tenant over HTTPS.",
		Categories: anyTime, do: runExtension,
		Parameters: []Parameter{{Name: argExtension, ValueType: "string", Required: true, check: checkIDs(1)}},
	},
}

// Definitions returns all kinds of task.
func Definitions() []Definition { return slices.Clone(definitions) }

// DefinitionOf returns the kind of task with that id, in any case.
func DefinitionOf(id string) (Definition, bool) {
	i := slices.IndexFunc(definitions, func(d Definition) bool { return strings.EqualFold(d.ID, id) })
	if i < 0 {
		return Definition{}, false
	}
	return definitions[i], true
}

// CategoryText is the category as Graph writes it: joiner,leaver.
func (d Definition) CategoryText() string {
	all := make([]string, len(d.Categories))
	for i, c := range d.Categories {
		all[i] = string(c)
	}
	return strings.Join(all, ",")
}

// Normal returns t with the spelling that is kept: Microsoft's page calls the lifetime of a
// pass by two names, and takes ids in either case.
func (t Task) Normal() Task {
	d, ok := DefinitionOf(t.Definition)
	if !ok {
		return t
	}
	t.Definition = d.ID
	t.Arguments = slices.Clone(t.Arguments)
	for i, a := range t.Arguments {
		if strings.EqualFold(a.Name, "tapLifetimeInMinutes") {
			t.Arguments[i].Name = argLifetime
		}
		for _, p := range d.Parameters {
			if strings.EqualFold(p.Name, t.Arguments[i].Name) {
				t.Arguments[i].Name = p.Name
			}
		}
	}
	return t
}

// check reports what is wrong with the arguments of t, which stands at where.
func (d Definition) check(where string, t Task) error {
	where += ".arguments"
	seen := map[string]bool{}
	for _, a := range t.Arguments {
		i := slices.IndexFunc(d.Parameters, func(p Parameter) bool { return p.Name == a.Name })
		switch {
		case i < 0:
			return ErrInvalid.With(where, fmt.Sprintf("The task “%s” has no argument %.60q.", d.DisplayName, a.Name))
		case seen[a.Name]:
			return ErrInvalid.With(where, "The argument "+a.Name+" stands there twice.")
		case len(a.Value) > mostArgument:
			return ErrInvalid.With(where, "The argument "+a.Name+" is longer than 16 KiB.")
		}
		seen[a.Name] = true
		if a.Value == "" {
			continue
		}
		if why := d.Parameters[i].check(a.Value); why != "" {
			return ErrInvalid.With(where, a.Name+" "+why)
		}
	}
	for _, p := range d.Parameters {
		if p.Required && t.Argument(p.Name) == "" {
			return ErrInvalid.With(where, "The argument "+p.Name+" is missing.")
		}
	}
	if d.ID != GeneratePass && slices.Contains(letter.Placeholders(t.Argument(argSubject)+t.Argument(argBody)), holdsPass) {
		return ErrInvalid.With(where, "Only the task that makes a pass has {{"+holdsPass+"}}.")
	}
	if slices.Contains(letter.Placeholders(t.Argument(argSubject)), holdsPass) {
		return ErrInvalid.With(where, "A subject holds no pass: every list of mail shows it.")
	}
	return nil
}

func checkLifetime(value string) string {
	n, err := strconv.Atoi(value)
	if err != nil || n < tap.LeastLifetime || n > tap.MostLifetime {
		return fmt.Sprintf("is a whole number of minutes between %d and %d.", tap.LeastLifetime, tap.MostLifetime)
	}
	return ""
}

func checkBool(value string) string {
	if value != "true" && value != "false" {
		return "is true or false."
	}
	return ""
}

func checkIDs(most int) func(string) string {
	return func(value string) string {
		all := idsIn(value)
		if len(all) > most || slices.ContainsFunc(all, func(id string) bool { return !directory.IsID(id) }) {
			return fmt.Sprintf("is at most %d ids, with commas between them.", most)
		}
		return ""
	}
}

// idsIn reads a list of ids such as "a, b".
func idsIn(value string) []string {
	var all []string
	for one := range strings.SplitSeq(value, ",") {
		if one = strings.ToLower(strings.TrimSpace(one)); one != "" && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

func checkLocale(value string) string {
	if len(value) > 35 || strings.ContainsFunc(value, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	}) {
		return "is a language such as de-AT."
	}
	return ""
}
