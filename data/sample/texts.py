"""Words and sentences that the generated queries are made of. All of them are invented."""

from __future__ import annotations

BUGS = (
    "KeyError: 'user'",
    "TypeError: unhashable type: 'list'",
    "an off-by-one error",
    "RecursionError",
    "UnboundLocalError",
    "a result that is always 0",
    "IndexError on empty input",
    "UnicodeDecodeError",
)
SNIPPETS = (
    "rows = [r for r in table if r[{n}]]\nprint(rows[0]['user'])",
    "seen = set()\nfor item in data[:{n}]:\n    seen.add([item])",
    "total = 0\nfor i in range(1, {n}):\n    total = i\nprint(total)",
    "with open(path) as handle:\n    text = handle.read({n})\n    return text.split(',')",
    "while low < high:\n    mid = (low + high) // 2\n    low = mid if a[mid] < {n} else low",
    "cache = {{}}\ncache[{n}] += 1",
    "frame = frame[frame.price > {n}]\nframe['net'] = frame.price / 1.2",
    "await asyncio.gather(*[fetch(u) for u in urls[:{n}]])",
)
TASKS = (
    "merges two sorted lists without copying them",
    "returns the longest palindrome of a string",
    "parses ISO dates and counts them per week",
    "keeps the last ten values and gives their median",
    "retries a web request with growing pauses",
    "reads a large CSV file in pieces and sums one column",
    "validates an IBAN and says what is wrong with it",
    "turns nested dictionaries into dotted keys",
    "groups anagrams together",
    "finds the shortest way through a maze of text",
)
SHELL = (
    ("git rebase --onto main feature", "both branches touch the same file"),
    ("rsync -a --delete", "the target disk is nearly full"),
    ("chmod -R g+w .", "the folder holds symbolic links"),
    ("docker system prune", "a build is still running"),
    ("SELECT ... FOR UPDATE", "two sessions lock rows in a different order"),
    ("pip install --no-deps", "the lock file is older than the wheel"),
    ("kill -9", "the process is writing a file"),
    ("terraform apply", "a colleague changed the console by hand"),
)
SUBJECTS = ("yoga", "pottery", "Spanish", "swimming", "drawing", "chess", "ballet", "judo")
CITIES = (
    "Lisbon", "Oslo", "Nairobi", "Lima", "Hanoi", "Gdansk", "Tbilisi", "Quito",
    "Perth", "Osaka", "Dakar", "Bergen", "Turin", "Austin", "Riga", "Cork",
)  # fmt: skip
COUNTRIES = (
    "Mongolia", "Bhutan", "Chad", "Peru", "Laos", "Malta", "Ghana", "Nepal",
    "Oman", "Palau", "Togo", "Fiji", "Latvia", "Kenya", "Cuba", "Iran",
)  # fmt: skip
MOUNTAINS = ("Mont Blanc", "Elbrus", "Denali", "Aconcagua", "Mount Kenya", "Triglav", "Fuji")
BOOKS = ("Middlemarch", "Beloved", "Solaris", "Dracula", "Kokoro", "Ulysses", "Momo", "Emma")
WORDS = ("quick", "gloomy", "brave", "tiny", "odd", "calm", "stern", "vivid", "meek", "bold")
FACTS = (
    "Boiling point of ethanol?",
    "How many bones has an adult?",
    "Who painted Guernica?",
    "Is a tomato a fruit?",
    "Chemical symbol for tungsten?",
    "Which planet has the most moons?",
    "When did the Berlin Wall fall?",
    "Plural of octopus?",
    "Hur säger man tack på finska?",
    "¿Cuántos días tiene febrero?",
    "Wie viele Zähne hat ein Hund?",
    "日本の首都は？",
)
GOODS = (
    "noise-cancelling headphones",
    "lightweight hiking boots",
    "ergonomic office chairs",
    "energy-saving refrigerators",
    "mechanical keyboards",
    "beginner-friendly telescopes",
    "stainless-steel frying pans",
)
PLACES = (
    "open-plan engineering offices",
    "Scandinavian winter conditions",
    "vegetarian student households",
    "left-handed graphic designers",
    "long-distance railway commuters",
    "multi-generational apartments",
)
FOREIGN = (
    (
        "この手紙を丁寧な英語に訳してください。先週の会議で決まった{n}件の変更点について、"
        "来月までにご返事をいただければ幸いです。",
        ("", "よろしくお願いします。"),
    ),
    (
        "Übersetze: Betriebskostenabrechnungszeitraum, Grundstücksverkehrsgenehmigung {n}",
        ("", ", Rückfahrkarte", " bitte"),
    ),
    (
        "请把下面的句子翻译成英文，并说明语气：我们已经等了{n}天，希望你们尽快答复，"
        "否则只能取消订单，并且要求全额退款，谢谢理解。",
        ("", "请用正式的语气。"),
    ),
    (
        "ترجم إلى الإنجليزية: اجتماعنا يوم الثلاثاء بالقاعة الكبيرة رقم{n}",
        ("", "؟", "!"),
    ),
)
SITUATIONS = (
    "My landlord wants to raise the rent after {n} months and says it is usual in {city}.",
    "I have been offered a job in {city}, but my partner would have to give up hers.",
    "We are {n} friends planning a week in {city} and cannot agree on a budget.",
    "A colleague of {n} years keeps taking credit for my slides in front of clients.",
    "Our cat has stopped eating dry food since we moved to {city} {n} days ago.",
    "I promised to speak for {n} minutes at my sister's wedding in {city} next month.",
    "The garden behind our house in {city} gets only {n} hours of sun and the soil is heavy.",
    "I slept badly for {n} weeks and a friend from {city} swears by going to bed later.",
    "Our book club has {n} members and nobody finishes the novels that we choose.",
    "My bicycle was stolen in {city} and the insurer asks for {n} documents I do not have.",
)
LEMMAS = (
    "the square root of 2 is irrational",
    "there are infinitely many primes of the form 4k + 3",
    "every tree with n nodes has n - 1 edges",
    "a continuous map on a closed interval takes its maximum",
    "the harmonic series diverges",
    "n^3 - n is divisible by 6 for every whole n",
    "two disjoint compact sets have a positive distance",
)
DISPUTES = ("flatmate", "neighbour", "brother", "landlord", "team mate", "builder", "aunt")
DEVICES = ("dishwasher", "coffee machine", "heat pump", "printer", "tumble dryer", "doorbell")
CSV_ITEMS = (
    "boiler-controller", "door-sensor", "pump-housing", "filter-set", "relay-board",
    "cable-drum", "valve-seat", "fan-motor",
)  # fmt: skip
SENTENCES = (
    "The harbour project is {n} days behind because the survey of the quay came in late.",
    "Marta will ask the supplier for a written promise before the end of the week.",
    "We agreed to keep the old invoices in the archive for another {n} months.",
    "Nobody could say who had approved the second change to the drawings.",
    "The visitors from the ministry liked the model but asked for a larger car park.",
    "Tom reported {n} complaints about noise, most of them from the same street.",
    "The new heating will be tested on the first cold morning after the holidays.",
    "If the permit is refused again we shall move the entrance to the north side.",
    "The budget for the playground is {n} thousand above the figure of last year.",
    "Ana offered to write to the schools and to collect their wishes until Friday.",
    "The contractor wants to be paid in {n} parts instead of two, which we declined.",
    "Two windows on the ground floor were broken and have been boarded up since.",
    "We still have no answer from the insurance about the water in the cellar.",
    "The photographs of the roof are to be sent to all {n} owners before the vote.",
    "Peter reminded everybody that keys must be signed for at the front desk.",
    "The tree in the yard may stay if its roots leave the pipes alone.",
)
ANSWERS = (
    "Short answer first, then the reasons in three points.",
    "Here is one way to do it, with the trade-offs named.",
    "It depends on two things, both given below.",
    "Done as asked; see the note at the end.",
)
