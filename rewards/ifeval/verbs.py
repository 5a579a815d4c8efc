"""Does a response begin with a verb? A small stand-in for the statistical tagger of the published grader.

The published check asks a perceptron tagger for the tag of the first token. Its weights are not to be had as a
package, so the first token is looked up: forms of be, have and do, imperatives and other forms in a list of
common verbs, and the endings -ing and -ed with their exceptions. Modals ("can", "should") have a tag of their
own there and are no verbs here either.
"""

from __future__ import annotations

from collections.abc import Sequence

_VERBS = """
abandon abide abolish absorb accept accommodate accomplish account accumulate achieve acknowledge acquire act adapt
add append address adjust administer admire admit adopt advance advise affect afford agree aim allow alter analyze
announce anticipate apologize appear apply appoint appreciate approach approve argue arise arrange arrive ask aspire
assemble assert assess assign assist assume assure attach attack attempt attend attract avoid await awake balance
ban be bear beat become been begin behave believe belong bend bet beware bind bite blame blend blow boil boost
borrow bought break breathe bring brought browse build built burn buy calculate call came cancel capture care carry
cast catch caught cause cease celebrate challenge change charge chase check cheer choose chop chose circulate cite
claim clarify classify clean clear climb close collaborate collect combine come comes commit communicate compare
compete compile complain complete comply compose comprise compute concentrate conclude conduct configure confirm
connect conquer conserve consider consist constitute construct consult consume contact contain continue contribute
convert convey convince cook cooperate cope copy correct count cover create cross cultivate cure cut deal decide
declare decline decorate decrease deem defeat defend define deliver demand demonstrate deny depend depict derive
describe deserve design designate destroy detect determine develop devise devote did differ dig diminish direct
disagree disappear discourage discover discuss dismiss display distinguish distribute divide do does don donate
download draft draw dream dress drew drink drive drop earn ease eat edit educate eliminate embrace emerge emphasize
employ enable encounter encourage end endorse endure enforce engage enhance enjoy ensure enter entertain envision
equip escape establish estimate evaluate evolve examine exceed excel exchange execute exercise exert exist expand
expect experience explain exploit explore export express extend extract face facilitate fail fall feed feel felt
fetch fight file fill find finish fit fix flee flow fly focus fold follow forbid force forget forgive form formulate
foster found free freeze fulfill gain gather gave generate get gets give given gives go goes gone got govern grab
grant grow guarantee guard guess guide had handle hang happen has hate have hear heard heat held help hesitate hide
highlight hire hit hold hope host hunt identify ignore illustrate imagine imply import impose impress improve
include incorporate increase indicate influence inform initiate initialize insert inspect inspire install integrate
intend intensify interact interpret introduce invent invest investigate invite involve is are was were am isn aren
wasn weren issue join judge jump justify keep kept kick kill knew knock know known lack laid launch lay lead lean
learn leave led left lend let lets lie lift light limit listen live load locate look lose lost love maintain make
makes manage manufacture mark match mean measure meet melt memorize mention merge mind minimize mix modify monitor
motivate move multiply navigate need normalize negotiate notice notify nurture obey observe obtain occur offer open
operate oppose opt order organize outline overcome owe own participate parse pass pay perceive perform permit
persuade pick place plan plant play plead please point possess post pour practice praise pray predict prefer prepare
present preserve press pretend prevent print prioritize proceed process produce promise promote propose protect
prove proven provide publish pull purchase pursue push put qualify question quit quote raise ran reach react read
realize receive recite recognize recommend reconsider record recover recruit recycle reduce refer reflect refrain
refuse regard register regret regulate reinforce reject relate relax release rely remain render remember remind
remove renew rent repair repeat replace reply report represent request require research reserve resist resolve
respect respond rest restore restrict result resume retain retire retrieve return reveal review revise revive reward
ride ring rise risk rub run said save saw say schedule scream search secure see seek seem seems seen select sell
send sent separate serve set settle shake shape share sharpen shift shine shoot show shown shut sign simplify sing
sit sleep slide slow smell smile solve sort sought sound speak specify spend spin spoke spread stand start state
stay steal step stick stir stop store strengthen stretch strike strive struggle study submit succeed suffer suggest
suit summarize supply support suppose survive suspect sustain swear swim switch symbolize take taken takes talk
target taste taught teach tear tell tend test thank thanks think thought throw tie told took touch trace track trade
train transfer transform translate transmit transport travel treat trust try turn type undergo understand undertake
unify unite unlock update upgrade upload urge use utilize vary verify view violate visit visualize vote wait wake
walk want warn wash waste watch wear weigh welcome went win wish withdraw wonder work worry wrap write written wrote
yield
"""
_IS_VERB = frozenset(_VERBS.split()) - {"balance", "experience", "thanks", "question", "research", "state", "type"}
_NO_VERBS = """
anything building ceiling darling during evening everything king morning nothing offspring ring sibling something
spring sterling string thing viking wedding wing
beloved bed breed hundred indeed kindred naked red sacred seed shed speed ted united weed wicked
"""
_NO_VERB = frozenset(_NO_VERBS.split())


def begins_with_verb(tokens: Sequence[str]) -> bool:
    """Whether the first token looks like a verb in any form."""
    if not tokens:
        return False
    word = tokens[0].lower()
    if word in _NO_VERB or not word.isalpha():
        return False
    return word in _IS_VERB or (len(word) > 3 and word.endswith(("ing", "ed")))
