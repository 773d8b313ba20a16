package recovery

import (
	"errors"

	"github.com/postern-id/postern/internal/fault"
)

// Faults of cases.
var (
	ErrUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "caseUnknown",
		Text: "There is no such recovery case.", Remedy: "Check the number or the id.",
	}
	ErrChanged = &fault.Error{
		Kind: fault.Precondition, Code: "caseChanged",
		Text: "Somebody else changed this case meanwhile.", Remedy: "Read it again, then decide.",
	}
	ErrInvalid = &fault.Error{
		Kind: fault.Invalid, Code: "caseInvalid",
		Text: "The case can't be kept like this.",
	}
	ErrMany = &fault.Error{
		Kind: fault.Conflict, Code: "caseMany",
		Text: "This person has too many open cases.", Remedy: "Go on with one of them, or cancel them.",
	}
	ErrState = &fault.Error{
		Kind: fault.Conflict, Code: "caseState",
		Text: "The case is not in a state for this.", Remedy: "Read the case: its state says what is left to do.",
	}
	ErrFrozen = &fault.Error{
		Kind: fault.Conflict, Code: "caseDisputed",
		Text: "Somebody said that this case is not theirs: it stands still.", Remedy: "Find out who is right, then release or revert it.",
	}
	// ErrOthers keeps whoever asked for help in a browser from ending what is not theirs alone; it is logged, and not shown to them.
	ErrOthers = &fault.Error{
		Kind: fault.Conflict, Code: "caseOthers",
		Text: "Somebody else went on with this case: it is not for the browser that asked for it to give up.", Remedy: "Who handles the case cancels it.",
	}
	ErrProofKind = &fault.Error{
		Kind: fault.Invalid, Code: "caseProofKind", Target: "kind",
		Text: "This proof can't be given here.", Remedy: "The recovery policy says which kinds of proof count.",
	}
	ErrContact = &fault.Error{
		Kind: fault.Conflict, Code: "caseContactFresh", Target: "contact",
		Text: "That is not on file, or was changed too short a time ago to count.", Remedy: "Use something that has been on file for longer, or another proof.",
	}
	ErrAskedAlready = &fault.Error{
		Kind: fault.Conflict, Code: "caseAskedAlready",
		Text: "The identity-proofing service was asked already.", Remedy: "Wait for its answer, or give another proof.",
	}
	ErrAskUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "caseAskUnknown",
		Text: "The case asked no such question.", Remedy: "Answer with the caseId and the askId of one message.",
	}
	ErrAskAnswered = &fault.Error{
		Kind: fault.Conflict, Code: "caseAskAnswered",
		Text: "The question was answered already.", Remedy: "Nothing is left to do.",
	}
	ErrAskLate = &fault.Error{
		Kind: fault.Gone, Code: "caseAskLate",
		Text: "The answer came too late.", Remedy: "The person asks again.",
	}
	ErrAskLevel = &fault.Error{
		Kind: fault.Forbidden, Code: "caseAskLevel", Target: "level",
		Text: "The answer claims no level, or a higher one than policy allows this proof.", Remedy: "Claim at most highestLevel of the question.",
	}
	ErrAskNumber = &fault.Error{
		Kind: fault.Forbidden, Code: "caseAskNumber", Target: "caseNumber",
		Text: "The answer does not name the number of the case.", Remedy: "Ask the person which number their page shows.",
	}
	ErrAnswerForged = &fault.Error{
		Kind: fault.Unauthorized, Code: "caseAnswerForged",
		Text: "The answer is not signed as it must be.", Remedy: "Sign id, time and body with the secret of the webhook that asked.",
	}
	ErrOwnRequest = &fault.Error{
		Kind: fault.Forbidden, Code: "caseOwnRequest",
		Text: "Nobody approves what they asked for themselves.", Remedy: "Ask somebody who had no part in this case.",
	}
	ErrPersonOnly = &fault.Error{
		Kind: fault.Forbidden, Code: "casePersonOnly",
		Text: "An application does not say that a dispute was wrong.", Remedy: "Sign in as somebody who had no part in this case.",
	}
	ErrOwnCase = &fault.Error{
		Kind: fault.Forbidden, Code: "caseOwn",
		Text: "Nobody decides in their own case.", Remedy: "Ask the helpdesk.",
	}
	ErrSecondPerson = &fault.Error{
		Kind: fault.Forbidden, Code: "caseSecondPerson",
		Text: "This account takes two different people: who approved does not issue the pass.", Remedy: "Ask another administrator to issue it.",
	}
	ErrApproverSignIn = &fault.Error{
		Kind: fault.Forbidden, Code: "caseApproverSignIn",
		Text: "To vouch for somebody, sign in again with a passkey or another phishing-resistant method.", Remedy: "Sign in anew, then approve within a few minutes.",
	}
	ErrApproverRecovered = &fault.Error{
		Kind: fault.Forbidden, Code: "caseApproverRecovered",
		Text: "Your own access was recovered less than a day ago: what you registered then does not vouch for others yet.", Remedy: "Use a key that you had before, or ask somebody else.",
	}
	ErrApproverUnreadable = &fault.Error{
		Kind: fault.Forbidden, Code: "caseApproverUnreadable",
		Text: "A recovery of your own access can't be read any more: nobody can tell that it was you.", Remedy: "Ask somebody else, and tell who runs this server.",
	}
	ErrNotManager = &fault.Error{
		Kind: fault.Forbidden, Code: "caseNotManager",
		Text: "Only the person's manager can say this, who has been so for a while.",
	}
	ErrNotColleague = &fault.Error{
		Kind: fault.Forbidden, Code: "caseNotColleague",
		Text: "Only a colleague of the same manager or department can vouch.",
	}
	ErrTwice = &fault.Error{
		Kind: fault.Conflict, Code: "caseTwice",
		Text: "You have said this already; it takes somebody else.",
	}
	ErrNotProven = &fault.Error{
		Kind: fault.Conflict, Code: "caseNotProven",
		Text: "Nothing shows yet, or shows no more, that the right person asks.", Remedy: "Add a proof of a higher level.",
	}
	ErrNotApproved = &fault.Error{
		Kind: fault.Conflict, Code: "caseNotApproved",
		Text: "The approval of somebody else is missing, or has expired.", Remedy: "Ask an approver.",
	}
	ErrCoolDown = &fault.Error{
		Kind: fault.Conflict, Code: "caseCoolDown",
		Text: "The time to object is not over yet.", Remedy: "Issue the pass later.",
	}
	ErrOutOfHours = &fault.Error{
		Kind: fault.Conflict, Code: "caseOutOfHours",
		Text: "Passes by recovery cases are issued in working hours only.", Remedy: "Issue it in working hours, or ask who may change the recovery policy.",
	}
	ErrGrant = &fault.Error{
		Kind: fault.Invalid, Code: "caseGrant",
		Text: "The recovery policy does not allow such a pass for this level of proof.",
	}
	ErrHand = &fault.Error{
		Kind: fault.Forbidden, Code: "caseHand", Target: "postern_handOver",
		Text: "The recovery policy does not let a pass for this person go that way.", Remedy: "Use another way: the case says which are allowed.",
	}
	ErrHandIssuer = &fault.Error{
		Kind: fault.Forbidden, Code: "caseHandIssuer", Target: "postern_handOver",
		Text: "You are the manager: a sealed pass is not for whoever issues it.", Remedy: "Ask somebody else to issue it, or approve the case as the manager.",
	}
	ErrHandManager = &fault.Error{
		Kind: fault.Conflict, Code: "caseHandManager", Target: "postern_handOver",
		Text: "The person has no manager, or has had this one for too short a time to be handed a pass.", Remedy: "Use another way.",
	}
	ErrPassGone = &fault.Error{
		Kind: fault.Conflict, Code: "casePass",
		Text: "The case has a pass already.", Remedy: "A second one takes a new case.",
	}
	ErrDecided = &fault.Error{
		Kind: fault.Conflict, Code: "caseDecided",
		Text: "Somebody has decided about this since that mail was sent: its link does nothing more.", Remedy: "If it wasn't you, call the helpdesk. What happened later has a mail with a link of its own.",
	}
	ErrStopped = &fault.Error{
		Kind: fault.Conflict, Code: "caseStopped",
		Text: "It is stopped already.", Remedy: "Nothing more is needed.",
	}
	ErrDisputeOver = &fault.Error{
		Kind: fault.Conflict, Code: "caseDisputeOver",
		Text: "The time to dispute this case is over.", Remedy: "Remove what was registered by hand.",
	}
	ErrCaseRequired = &fault.Error{
		Kind: fault.Forbidden, Code: "caseRequired",
		Text: "The recovery policy wants a case before this person gets a pass.", Remedy: "Open a recovery case, and issue the pass there.",
	}
	ErrPolicy = &fault.Error{
		Kind: fault.Invalid, Code: "recoveryPolicyInvalid",
		Text: "The recovery policy can't be saved like this.",
	}
	ErrPolicyChanged = &fault.Error{
		Kind: fault.Precondition, Code: "recoveryPolicyChanged",
		Text: "Somebody else changed this policy meanwhile.", Remedy: "Read it again, then decide.",
	}
)

// ErrNumber says that another case has the number already.
var ErrNumber = errors.New("the number of the case is taken")
