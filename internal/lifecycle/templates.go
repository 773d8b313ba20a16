package lifecycle

// A Template is a workflow to begin with.
type Template struct {
	ID, DisplayName, Description string
	Workflow                     Workflow
}

func ready(definition string, arguments ...Argument) Task {
	d, _ := DefinitionOf(definition)
	return Task{Definition: d.ID, DisplayName: d.DisplayName, Description: d.Description, Enabled: true, Arguments: arguments}
}

// everybody who has a department: Entra's templates ask for one, too, to be changed.
const anyDepartment = "(department ne null)"

// Templates returns them all. Their ids are this program's own.
func Templates() []Template {
	return []Template{
		{
			"4b2cfd5e-17a8-4f0e-9f43-5c1f6a3de101", "Onboard pre-hire employee", "A pass for the first day, mailed to the manager before it.",
			Workflow{Category: Joiner, Rule: anyDepartment, Attribute: HireDate, Offset: -1, Tasks: []Task{
				ready(GeneratePass, Argument{argLifetime, "480"}, Argument{argOnce, "false"}),
			}},
		},
		{
			"4b2cfd5e-17a8-4f0e-9f43-5c1f6a3de102", "Onboard new hire employee", "On the first day the account is enabled, and the person is welcomed.",
			Workflow{Category: Joiner, Rule: anyDepartment, Attribute: HireDate, Tasks: []Task{ready(EnableAccount), ready(WelcomeMail)}},
		},
		{
			"4b2cfd5e-17a8-4f0e-9f43-5c1f6a3de103", "Pre-offboarding of an employee", "The manager is told a week before the last day.",
			Workflow{Category: Leaver, Rule: anyDepartment, Attribute: LeaveDate, Offset: -7, Tasks: []Task{ready(BeforeLeaveMail)}},
		},
		{
			"4b2cfd5e-17a8-4f0e-9f43-5c1f6a3de104", "Offboard an employee", "On the last day the account is disabled and leaves all groups.",
			Workflow{Category: Leaver, Rule: anyDepartment, Attribute: LeaveDate, Tasks: []Task{ready(DisableAccount), ready(RemoveAllGroups), ready(LeaveMail)}},
		},
		{
			"4b2cfd5e-17a8-4f0e-9f43-5c1f6a3de105", "Terminate an employee at once", "Run on demand: the account is disabled and leaves all groups.",
			Workflow{Category: Leaver, OnDemandOnly: true, Tasks: []Task{ready(DisableAccount), ready(RemoveAllGroups)}},
		},
	}
}
